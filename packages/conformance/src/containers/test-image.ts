import { createHash } from 'node:crypto'
import { pack, type Header, type Pack } from 'tar-stream'
import { UDP_ECHO } from './udp-echo.ts'

/** An image made of a static busybox alone, the same bytes and therefore the same id wherever it is made. */
export interface TestImage {
  /** `sha256:` and the digest of the configuration. */
  readonly id: string
  /** The root file system, as a plain tar. */
  readonly rootFileSystem: Uint8Array
  readonly config: Uint8Array
}

/** What an image runs, in the words of the image specification. */
export interface TestImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly User?: string
  readonly StopSignal?: string
  readonly Labels?: Readonly<Record<string, string>>
}

/** What a tar says of a file; root's and of one fixed time unless told. */
export type TarHeader = Partial<Header> & { readonly name: string }

/** A file that is put into a tar. */
export interface TarFile {
  readonly header: TarHeader
  readonly content?: Uint8Array | string
}

/** Runs until it is asked to end. Its own command is a shell, which ends at once on SIGTERM. */
export const SLEEP: readonly string[] = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait $!; done']

/** What the image says of itself. */
export const IMAGE_FACTS = {
  environment: { PATH: '/bin', IMAGE_SAYS: 'hello from the image' },
  workdir: '/srv',
  port: '8080/tcp',
  labels: { 'rootless-runtime.test-image': 'yes' },
} as const

const APPLETS = (
  'sh ash cat echo printf sleep true false ls mkdir rm touch chmod id env pwd hostname head tail wc grep sed awk cut tr tee yes ' +
  'dd kill ps sha256sum md5sum od seq sort stat stty tty tar gzip httpd nc wget ping ip mount umount nslookup readlink ln cp mv ' +
  'date expr find nproc sync test usleep which xargs basename dirname uname whoami timeout'
).split(' ')

const FOLDERS = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'run', 'srv', 'sys', 'tmp', 'var']

const MADE_AT = new Date('2020-01-01T00:00:00Z')
const ROOTS: Partial<Header> = { uid: 0, gid: 0, mtime: MADE_AT }

/** Go's name of this processor, as images have it. */
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

/** The image, from the bytes of a statically linked busybox. */
export async function buildTestImage(
  busybox: Uint8Array,
  config: TestImageConfig = {},
  moreFiles: readonly TarFile[] = [],
): Promise<TestImage> {
  const rootFileSystem = await buildTar([...listFiles(busybox), ...moreFiles])
  const { environment, workdir, port, labels } = IMAGE_FACTS
  const text = JSON.stringify({
    architecture: ARCHITECTURE,
    os: 'linux',
    created: MADE_AT.toISOString(),
    config: {
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      Cmd: SLEEP,
      WorkingDir: workdir,
      ExposedPorts: { [port]: {} },
      Labels: labels,
      ...config,
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(rootFileSystem)] },
    history: [{ created: MADE_AT.toISOString(), created_by: 'busybox' }],
  })
  const bytes = Buffer.from(text)
  return { id: digestOf(bytes), rootFileSystem, config: bytes }
}

/** As `docker save` writes it. */
export function toDockerArchive({ id, config, rootFileSystem }: TestImage, reference: string): Promise<Uint8Array> {
  const [Config, layer] = [`${toHex(id)}.json`, `${toHex(digestOf(rootFileSystem))}/layer.tar`]
  const manifest = JSON.stringify([{ Config, RepoTags: [reference], Layers: [layer] }])
  return buildTar([file(Config, config), file(layer, rootFileSystem), file('manifest.json', manifest)])
}

/** The files of an OCI image layout, by their paths. */
export function toOciLayout({ id, config, rootFileSystem }: TestImage, reference: string): ReadonlyMap<string, Uint8Array> {
  const layer = digestOf(rootFileSystem)
  const [size, configSize] = [rootFileSystem.byteLength, config.byteLength]
  const manifest = toBytes({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: id, size: configSize },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer, size }],
  })
  const index = toBytes({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(manifest),
        size: manifest.byteLength,
        annotations: { 'org.opencontainers.image.ref.name': reference },
      },
    ],
  })
  return new Map([
    ['oci-layout', toBytes({ imageLayoutVersion: '1.0.0' })],
    ['index.json', index],
    [`blobs/sha256/${toHex(id)}`, config],
    [`blobs/sha256/${toHex(layer)}`, rootFileSystem],
    [`blobs/sha256/${toHex(digestOf(manifest))}`, manifest],
  ])
}

/** The same as one tar. */
export function toOciArchive(image: TestImage, reference: string): Promise<Uint8Array> {
  return buildTar([...toOciLayout(image, reference)].map(([path, content]) => file(path, content)))
}

/** A tar of these files, all from one fixed time. */
export async function buildTar(files: readonly TarFile[]): Promise<Uint8Array> {
  const tar: Pack = pack()
  for (const { header, content } of files) {
    const whole: TarHeader = { ...ROOTS, ...header }
    if (content === undefined) tar.entry(whole)
    else tar.entry(whole, Buffer.from(content))
  }
  tar.finalize()
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A file for a tar, which everybody may read. */
export function file(name: string, content: Uint8Array | string, mode = 0o644): TarFile {
  return { header: { name, mode, type: 'file' }, content }
}

function folder(name: string, header: Partial<Header> = {}): TarFile {
  return { header: { name: `${name}/`, type: 'directory', mode: 0o755, ...header } }
}

function listFiles(busybox: Uint8Array): readonly TarFile[] {
  return [
    ...FOLDERS.map((name) => folder(name, { mode: name === 'tmp' ? 0o1777 : 0o755 })),
    folder('home/app', { uid: 1000, gid: 1000 }),
    file('bin/busybox', busybox, 0o755),
    ...APPLETS.map((name): TarFile => ({ header: { name: `bin/${name}`, type: 'symlink', linkname: 'busybox', mode: 0o777 } })),
    ...(UDP_ECHO === null ? [] : [file('bin/udp-echo', UDP_ECHO, 0o755)]),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n'),
    file('etc/group', 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n'),
    file('srv/index.html', 'served by busybox\n'),
    file('srv/plain.txt', 'nobody may execute this\n'),
  ]
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function toHex(digest: string): string {
  return digest.slice('sha256:'.length)
}

function toBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

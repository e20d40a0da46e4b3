import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RootlessError, type ErrorCode } from '@rootless-runtime/core'
import { openImageArchive, type ImageArchive, type ImageDoor, type OpenImageOptions } from '../src/index.ts'

/** The part of the machine that this package asks for, on real files. */
export const door: ImageDoor = {
  status: async (path) => {
    const found = await stat(path).catch(() => null)
    if (found === null) return { status: 'absent', reason: 'ENOENT' }
    return { status: 'ok', value: { kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'fifo' } }
  },
  freeBytes: () => Promise.resolve({ status: 'ok', value: 1e12 }),
  files: {
    makeDirectory: async (path) => void (await mkdir(path, { recursive: true })),
    makeTemporaryDirectory: (parent, prefix) => mkdtemp(join(parent, prefix)),
    write: (path, content) => pipeline(content, createWriteStream(path)),
    openRead: async (path, { startByte = 0 } = {}) => createReadStream(path, { fd: await open(path, 'r'), start: startByte }),
    remove: (path) => rm(path, { recursive: true, force: true }),
  },
}

export async function makeFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'rootless-image-'))
}

/** One header of a tar, made by hand, so that it can be wrong in every way. */
export interface RawEntry {
  readonly name: string
  readonly type?: string
  readonly content?: string | Uint8Array
  readonly link?: string
  readonly mode?: number
  /** In place of the content's own. */
  readonly size?: number | string
  readonly prefix?: string
  readonly magic?: string
  readonly device?: readonly [number, number]
}

export function rawEntry(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? '')
  const block = Buffer.alloc(512)
  const octal = (value: number, length: number): string => value.toString(8).padStart(length - 1, '0')
  block.write(entry.name, 0, 'utf8')
  block.write(octal(entry.mode ?? (entry.type === '5' ? 0o755 : 0o644), 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(typeof entry.size === 'string' ? entry.size : octal(entry.size ?? content.length, 12), 124, 'latin1')
  block.write(octal(0, 12), 136)
  block.write(entry.type ?? '0', 156)
  block.write(entry.link ?? '', 157)
  block.write(entry.magic ?? 'ustar\u000000', 257)
  if (entry.device !== undefined) {
    block.write(octal(entry.device[0], 8), 329)
    block.write(octal(entry.device[1], 8), 337)
  }
  block.write(entry.prefix ?? '', 345)
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([block, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

export function paxEntry(records: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
    let length = rest.length + 1
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length
    return Buffer.concat([Buffer.from(String(length)), rest])
  })
  return rawEntry({ name: 'pax', type: 'x', content: Buffer.concat(lines) })
}

export const TAR_END = Buffer.alloc(1024)

/** A tar of entries; a Buffer among them stands as it is. */
export function tarOf(...entries: readonly (RawEntry | Buffer)[]): Buffer {
  return Buffer.concat([...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : rawEntry(entry))), TAR_END])
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export interface ArchiveOptions {
  readonly tags?: readonly string[]
  readonly settings?: object
  readonly architecture?: string
  readonly diffIds?: readonly string[]
  /** Packs each layer as it lies in the archive. */
  readonly pack?: (layer: Buffer) => Buffer
}

export function configOf(layers: readonly Buffer[], options: ArchiveOptions = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? 'amd64',
      os: 'linux',
      config: options.settings ?? { Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: options.diffIds ?? layers.map((layer) => `sha256:${sha256(layer)}`) },
    }),
  )
}

/** What `docker save` writes. */
export function dockerArchive(layers: readonly Buffer[], options: ArchiveOptions = {}): Buffer {
  const config = configOf(layers, options)
  const pack = options.pack ?? ((layer: Buffer) => layer)
  const name = `${sha256(config)}.json`
  const paths = layers.map((_, index) => `layer${index}/layer.tar`)
  return tarOf(
    ...layers.map((layer, index) => ({ name: paths[index] ?? '', content: pack(layer) })),
    { name, content: config },
    { name: 'manifest.json', content: JSON.stringify([{ Config: name, RepoTags: options.tags ?? ['test:1'], Layers: paths }]) },
  )
}

/** The files of an OCI layout, by path. */
export function ociFiles(layers: readonly Buffer[], options: ArchiveOptions = {}): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  const blob = (content: Buffer, mediaType: string, annotations: object = {}): object => {
    files.set(`blobs/sha256/${sha256(content)}`, content)
    return { mediaType, digest: `sha256:${sha256(content)}`, size: content.length, annotations }
  }
  const pack = options.pack ?? ((layer: Buffer) => layer)
  const config = blob(configOf(layers, options), 'application/vnd.oci.image.config.v1+json')
  const manifest = {
    schemaVersion: 2,
    config,
    layers: layers.map((layer) => blob(pack(layer), 'application/vnd.oci.image.layer.v1.tar')),
  }
  const manifests = (options.tags ?? ['docker.io/library/test:1']).map((tag) =>
    blob(Buffer.from(JSON.stringify(manifest)), 'application/vnd.oci.image.manifest.v1+json', {
      'org.opencontainers.image.ref.name': tag,
    }),
  )
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })))
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return files
}

export function ociArchive(layers: readonly Buffer[], options: ArchiveOptions = {}): Buffer {
  return tarOf(...[...ociFiles(layers, options)].map(([name, content]) => ({ name, content })))
}

export const AMD64 = { os: 'linux', architecture: 'amd64' }

export async function openBytes(
  bytes: Uint8Array | string,
  spoolFolder: string,
  options: Partial<OpenImageOptions> = {},
): Promise<ImageArchive> {
  const source = typeof bytes === 'string' ? bytes : Readable.from(slices(bytes))
  return await openImageArchive(source, { door, spoolFolder, platform: AMD64, ...options })
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 60_000) yield bytes.subarray(start, start + 60_000)
}

/** The error of a call that must fail, after which nothing may be left. */
export async function failureOf(
  bytes: Uint8Array | string,
  spoolFolder: string,
  options: Partial<OpenImageOptions> = {},
): Promise<{ readonly code: ErrorCode; readonly message: string }> {
  const error: unknown = await openBytes(bytes, spoolFolder, options).then(
    () => new Error('it was read'),
    (reason: unknown) => reason,
  )
  const left = await readdir(spoolFolder)
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
  if (error instanceof RootlessError) return error
  throw error
}

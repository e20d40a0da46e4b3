import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cached, GUEST_SCRIPTS, readImageScripts, requireFreeBytes, toKey, type CacheEntry } from './cache.ts'
import { listSources } from './debian-sources.ts'
import { runOnHost } from './host-command.ts'
import { LabError } from './lab-error.ts'
import { DEBIAN_KEYRING } from './machine.ts'
import { toImageContent, type Release } from './releases.ts'

/** Sparse: about 1 GiB is written. */
const DISK_SIZE = '10G'
/** The unpacked root file system and the image made of it, side by side while it is built. */
const BUILD_BYTES = 4 * 1024 ** 3
const BUILD_TIMEOUT_MS = 20 * 60_000

/** The files of an image that qemu boots. */
export interface Image {
  readonly folder: string
  readonly key: string
  readonly made: boolean
}

export interface BuildOptions {
  readonly onProgress: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** The key of ssh that opens every guest of this cache, made once. */
export async function ensureKey(onProgress: (line: string) => void): Promise<string> {
  const { folder } = await cached(
    'key',
    async (unfinished) => {
      await runOnHost('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', join(unfinished, 'key')])
    },
    onProgress,
  )
  return join(folder, 'key')
}

/**
 * The image of a release: a root file system by mmdebstrap on ext4 without a partition table, its kernel, and an initramfs. As it
 * is cached, or built: about a minute, as root.
 *
 * @throws LabError without root, mirror or disk space.
 */
export async function ensureImage(release: Release, bare: boolean, options: BuildOptions): Promise<Image> {
  const keyFile = await ensureKey(options.onProgress)
  const content = toImageContent(release, bare)
  const key = toKey([
    release,
    JSON.stringify(content),
    DISK_SIZE,
    process.version,
    readFileSync(`${keyFile}.pub`, 'utf8'),
    ...readImageScripts(),
  ])
  const name = `image-${release}${bare ? '-bare' : ''}-${key}`
  const make = async (folder: string): Promise<void> => {
    const started = performance.now()
    options.onProgress(`${name}: building, about a minute`)
    await build(folder, release, bare, `${keyFile}.pub`, options)
    options.onProgress(`${name}: built in ${Math.round((performance.now() - started) / 1000)} s`)
  }
  const { folder, made }: CacheEntry = await cached(name, make, options.onProgress)
  return { folder, key, made }
}

async function build(folder: string, release: Release, bare: boolean, publicKey: string, options: BuildOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new LabError('building a guest needs root (running one does not)', 'sudo pnpm lab build')
  requireFreeBytes(BUILD_BYTES)
  const { signal } = options
  const [root, parts] = [join(folder, 'root'), join(folder, 'parts')]
  mkdirSync(parts)
  copyFileSync(publicKey, join(parts, 'key.pub'))
  await runOnHost(join(GUEST_SCRIPTS, 'busybox-image.sh'), [parts], { signal })
  const { suites, packages } = toImageContent(release, bare)
  const hook = '"$LAB_SCRIPTS/customize.sh" "$1" "$LAB_PARTS" "$LAB_BARE" "$LAB_NODE"'
  const trim = ['man', 'doc', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`)
  const environment = {
    LAB_SCRIPTS: GUEST_SCRIPTS,
    LAB_PARTS: parts,
    LAB_BARE: bare ? 'yes' : 'no',
    LAB_NODE: process.execPath,
    TMPDIR: '/var/tmp',
  }
  await runOnHost(
    'mmdebstrap',
    [
      '--quiet',
      '--mode=root',
      '--variant=apt',
      `--keyring=${DEBIAN_KEYRING}`,
      '--aptopt=APT::Install-Recommends "false"',
      '--aptopt=Acquire::Languages "none"',
      ...trim,
      '--dpkgopt=force-unsafe-io',
      `--include=${packages.join(',')}`,
      `--customize-hook=${hook}`,
      release,
      root,
      '-',
    ],
    { environment, input: await listSources(release, suites), timeoutMs: BUILD_TIMEOUT_MS, signal },
  )
  await toBootable(folder, root, signal)
  rmSync(root, { recursive: true, force: true })
  rmSync(parts, { recursive: true, force: true })
}

async function toBootable(folder: string, root: string, signal: AbortSignal | undefined): Promise<void> {
  const version = readdirSync(join(root, 'lib/modules')).find((name) => name.includes('cloud'))
  if (version === undefined)
    throw new LabError('the image has no cloud kernel', 'look at linux-image-cloud-amd64 of this release')
  copyFileSync(join(root, 'boot', `vmlinuz-${version}`), join(folder, 'vmlinuz'))
  await runOnHost(join(GUEST_SCRIPTS, 'initrd.sh'), [root, version, join(folder, 'initrd')], { signal })
  const disk = join(folder, 'disk.ext4')
  await runOnHost('truncate', ['-s', DISK_SIZE, disk])
  const features = ['-O', '^has_journal,^metadata_csum', '-E', 'lazy_itable_init=1,nodiscard', '-m', '0']
  await runOnHost('mke2fs', ['-q', '-t', 'ext4', ...features, '-L', 'lab', '-d', root, disk], { signal })
}

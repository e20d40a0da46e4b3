import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDistribution } from '../../../packages/host/src/setup/distribution.ts'
import { toMissingPackages } from '../../../packages/host/src/setup/engine-needs.ts'
import { ensureImage } from '../build-image.ts'
import { cached, toKey } from '../cache.ts'
import { listSources } from '../debian-sources.ts'
import { runOnHost } from '../host-command.ts'
import { LabError } from '../lab-error.ts'
import { DEBIAN_KEYRING } from '../machine.ts'
import { toImageContent, type Release } from '../releases.ts'

const DOWNLOAD_TIMEOUT_MS = 600_000
const FILES = /^[\w.+%~:-]+\.deb$/u

/**
 * A folder with every package that `rootless setup` installs in a bare guest of the release, and its index: a guest without
 * network takes it as `deb [trusted=yes] file:FOLDER ./`.
 *
 * What is there already, and so what must be fetched, is read from the image's own dpkg; nothing of this host's packages counts.
 */
export async function ensurePackageSource(release: Release, onProgress: (line: string) => void): Promise<string> {
  const image = await ensureImage(release, true, { onProgress })
  const names = toSetupPackages(await readFromImage(image.folder, '/usr/lib/os-release'))
  const key = toKey([image.key, ...names, readFileSync(import.meta.filename, 'utf8')])
  const make = async (folder: string): Promise<void> => {
    await download(release, names, image.folder, folder)
    await writeIndex(folder)
  }
  return (await cached(`packages-${release}-${key}`, make, onProgress)).folder
}

/** The packages that setup names on a systemd host with cgroup v2 where nothing is installed. */
function toSetupPackages(osRelease: string): readonly string[] {
  const distribution = parseDistribution(osRelease)
  return toMissingPackages(['docker', 'podman', 'lxc'], new Set(), { distribution, systemd: true, cgroupV1: false })
}

async function download(release: Release, names: readonly string[], imageFolder: string, folder: string): Promise<void> {
  const work = join(folder, 'apt')
  for (const name of ['lists/partial', 'archives/partial', 'empty.d']) mkdirSync(join(work, name), { recursive: true })
  writeFileSync(join(work, 'status'), await readFromImage(imageFolder, '/var/lib/dpkg/status'))
  writeFileSync(
    join(work, 'sources.list'),
    await listSources(release, toImageContent(release, true).suites, `signed-by=${DEBIAN_KEYRING}`),
  )
  writeFileSync(join(work, 'apt.conf'), toAptConfiguration(work))
  const apt = (...words: readonly string[]): Promise<string> =>
    runOnHost('apt-get', ['-q', ...words], {
      environment: { APT_CONFIG: join(work, 'apt.conf'), DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
    })
  await apt('update')
  await apt('install', '--yes', '--download-only', '--no-install-recommends', '--no-remove', ...names)
  for (const name of readdirSync(join(work, 'archives')).filter((each) => FILES.test(each))) {
    renameSync(join(work, 'archives', name), join(folder, name.replaceAll('%3a', '_')))
  }
  rmSync(work, { recursive: true })
}

/** A file of an image that no guest runs on, without mounting it. */
async function readFromImage(imageFolder: string, path: string): Promise<string> {
  const text = await runOnHost('debugfs', ['-R', `cat ${path}`, join(imageFolder, 'disk.ext4')])
  // debugfs(8) ends with 0 whether it finds the file or not.
  if (text === '') throw new LabError(`the image has no ${path}`, 'pnpm lab clean')
  return `${text}\n`
}

/** apt of this host, with folders, sources and installed packages that are not this host's. Its mirrors and proxies stay. */
function toAptConfiguration(work: string): string {
  const settings: Readonly<Record<string, string>> = {
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::State::extended_states': join(work, 'extended_states'),
    'Dir::Cache::archives': join(work, 'archives'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': join(work, 'empty.d'),
    'Dir::Etc::preferences': join(work, 'none'),
    'Dir::Etc::preferencesparts': join(work, 'empty.d'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Check-Valid-Until': 'false',
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name} "${value}";\n`)
    .join('')
}

async function writeIndex(folder: string): Promise<void> {
  const paragraphs: string[] = []
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
    const file = join(folder, name)
    const control = await runOnHost('dpkg-deb', ['--field', file])
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex')
    paragraphs.push(`${control.trim()}\nFilename: ./${name}\nSize: ${statSync(file).size}\nSHA256: ${hash}\n`)
  }
  if (paragraphs.length === 0) throw new LabError('apt downloaded nothing', "look at the host's apt")
  writeFileSync(join(folder, 'Packages'), paragraphs.join('\n'))
}

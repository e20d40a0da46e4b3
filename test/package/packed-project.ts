import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'

export const root = join(import.meta.dirname, '../..')

const exportTarget = z.union([z.string(), z.record(z.string(), z.string())])
const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  private: z.boolean().optional(),
  license: z.string().optional(),
  bin: z.record(z.string(), z.string()).optional(),
  exports: z.record(z.string(), exportTarget),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
})
export type Manifest = z.infer<typeof manifestSchema>

export interface PublishedPackage {
  /** Its folder in the workspace. */
  readonly folder: string
  readonly manifest: Manifest
}

export function readManifest(folder: string): Manifest {
  return manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
}

/** Every package of the workspace that is published. */
export function listPublished(): readonly PublishedPackage[] {
  const folders = ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name)),
  )
  return folders
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => manifest.private !== true)
}

/** The package manager that runs us, or the one that `npx` finds. */
function findPnpm(): readonly [string, ...string[]] {
  const path = process.env['npm_execpath']
  if (path === undefined || !basename(path).startsWith('pnpm')) return ['npx', '-y', 'pnpm@12']
  return /\.[cm]?js$/u.test(path) ? [process.execPath, path] : [path]
}

/** Packs every published package into a folder; the tarballs by the name of their package. */
export function packAll(packages: readonly PublishedPackage[], folder: string): ReadonlyMap<string, string> {
  const [file, ...words] = findPnpm()
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name])
  execFileSync(file, [...words, '--recursive', ...filters, 'pack', '--pack-destination', folder], { cwd: root, stdio: 'pipe' })
  return new Map(
    packages.map(({ manifest: { name, version } }) => [
      name,
      join(folder, `${name.replace(/^@/u, '').replace('/', '-')}-${version}.tgz`),
    ]),
  )
}

/** The files of a tarball, below its `package/`. */
export function listFiles(tarball: string): readonly string[] {
  return execFileSync('tar', ['--list', '--gzip', '--file', tarball], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && !path.endsWith('/'))
    .map((path) => path.replace(/^package\//u, ''))
}

/**
 * Makes a project with the tarballs installed in it, as a package manager would, without a registry: what others made is linked
 * from the workspace.
 */
export function installAll(packages: readonly PublishedPackage[], tarballs: ReadonlyMap<string, string>, project: string): void {
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }))
  for (const { folder, manifest } of packages) {
    const place = join(modules, manifest.name)
    mkdirSync(place, { recursive: true })
    execFileSync('tar', ['--extract', '--gzip', '--strip-components=1', '--file', tarballs.get(manifest.name) ?? '', '-C', place])
    linkForeign(folder, readManifest(place), modules, tarballs)
    for (const [name, path] of Object.entries(manifest.bin ?? {})) {
      chmodSync(join(place, path), 0o755)
      symlinkSync(join(place, path), join(modules, '.bin', name))
    }
  }
}

function linkForeign(folder: string, packed: Manifest, modules: string, ours: ReadonlyMap<string, string>): void {
  for (const name of Object.keys({ ...packed.dependencies, ...packed.peerDependencies })) {
    const place = join(modules, name)
    if (ours.has(name) || existsSync(place)) continue
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(realpathSync(join(folder, 'node_modules', name)), place)
  }
}

/** Runs a program in the project on this very Node, with nothing of ours in its environment. */
export function runIn(project: string, file: string, words: readonly string[]) {
  const environment = { HOME: project, PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` }
  return spawnSync(file, words, { cwd: project, env: environment, encoding: 'utf8', timeout: 60_000 })
}

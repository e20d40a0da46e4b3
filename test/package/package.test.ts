import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// What lands on other machines: the packed tarballs, unpacked into an empty project. Needs a build.

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'rootless-package-'))
const project = join(folder, 'project')

const PACKAGES = ['core', 'host', 'docker', 'podman', 'lxc', 'conformance', 'sdk'].map((name) => join(root, 'packages', name))
const ALL = [...PACKAGES, join(root, 'apps/compare')]

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

function readManifest(path: string): Manifest {
  // Written by us, or by pnpm from what we wrote.
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest
}

/** The program that packs: the pnpm that runs us, which may be a program or a script, or the one that npx brings. */
function findPnpm(): readonly [string, ...string[]] {
  const path = process.env['npm_execpath']
  if (path === undefined || !basename(path).startsWith('pnpm')) return ['npx', '-y', 'pnpm@12']
  return /\.[cm]?js$/u.test(path) ? [process.execPath, path] : [path]
}

function pack(path: string): string {
  const [file, ...words] = findPnpm()
  const into = mkdtempSync(join(folder, 'tarball-'))
  execFileSync(file, [...words, 'pack', '--pack-destination', into], { cwd: path, stdio: 'pipe' })
  const [name = ''] = readdirSync(into)
  return join(into, name)
}

/** Unpacks a tarball to where Node looks for it, with its dependencies beside it as in the workspace. */
function install(path: string, tarball: string): void {
  const { name } = readManifest(path)
  const target = join(project, 'node_modules', name)
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  const { dependencies = {} } = readManifest(target)
  for (const dependency of Object.keys(dependencies).filter((each) => !each.includes('rootless-runtime'))) {
    const link = join(project, 'node_modules', dependency)
    mkdirSync(join(link, '..'), { recursive: true })
    if (!existsSync(link)) symlinkSync(join(path, 'node_modules', dependency), link)
  }
}

const tarballs = new Map<string, string>()

beforeAll(() => {
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{"type":"module","private":true}')
  for (const path of ALL) {
    const tarball = pack(path)
    tarballs.set(path, tarball)
    install(path, tarball)
  }
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function node(script: string) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: project, encoding: 'utf8' })
}

describe.each(ALL.map((path) => [readManifest(path).name, path] as const))('%s', (_, path) => {
  test('holds what it was built to and its papers, and nothing else', () => {
    const target = join(project, 'node_modules', readManifest(path).name)
    const entries = readdirSync(target).filter((name) => name !== 'node_modules')
    expect(entries.toSorted()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  })

  test('publint finds nothing to mend', async () => {
    const tarball = readFileSync(tarballs.get(path) ?? '')
    const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength)
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map(({ code, path: where }) => `${code} ${where.join('.')}`)).toEqual([])
  })

  test('names its packages by version, not by the workspace', () => {
    const { dependencies = {} } = readManifest(join(project, 'node_modules', readManifest(path).name))
    expect(Object.values(dependencies).filter((version) => version.startsWith('workspace:'))).toEqual([])
  })
})

describe.each(PACKAGES.map((path) => [readManifest(path).name, path] as const))('%s as a library', (name, path) => {
  test('attw finds its types wherever they are looked for', () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const ended = spawnSync(process.execPath, [attw, tarballs.get(path) ?? '', '--profile', 'esm-only', '--format', 'json'], {
      encoding: 'utf8',
    })
    expect({ code: ended.status, said: ended.status === 0 ? '' : ended.stdout + ended.stderr }).toEqual({ code: 0, said: '' })
  })

  test.skipIf(name.endsWith('conformance'))('is loaded by bare Node, each of its entry points', () => {
    const entries = Object.keys(readManifest(path).exports ?? {}).filter((entry) => !entry.endsWith('.json'))
    for (const entry of entries) {
      const ended = node(`import * as all from ${JSON.stringify(join(name, entry))}; console.log(Object.keys(all).length > 0)`)
      expect({ entry, out: ended.stdout, error: ended.stderr }).toEqual({ entry, out: 'true\n', error: '' })
    }
  })
})

test('the library of the tarballs makes a report on this machine', () => {
  const ended = node(
    "import { buildReport } from 'rootless-runtime'; const r = await buildReport(); console.log(r.engines.map((e) => e.engine).join())",
  )
  expect(ended.stdout).toBe('docker,podman,lxc\n')
})

test('the library and the command carry the version of their package', () => {
  const library = node("import { VERSION } from 'rootless-runtime'; console.log(VERSION)")
  expect(library.stdout.trim()).toBe(readManifest(join(root, 'packages/sdk')).version)
  const main = join(project, 'node_modules/@rootless-runtime/cli/dist/main.js')
  const command = spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' })
  expect(command.stdout.trim()).toBe(readManifest(join(root, 'apps/compare')).version)
})

test('the command of the tarball works without a dependency beside it', () => {
  const alone = join(folder, 'alone')
  cpSync(join(project, 'node_modules/@rootless-runtime/cli'), alone, { recursive: true })
  const ended = spawnSync(process.execPath, [join(alone, 'dist/main.js'), 'schema'], { cwd: alone, encoding: 'utf8' })
  expect(JSON.parse(ended.stdout)).toMatchObject({ title: 'rootless-runtime report' })
})

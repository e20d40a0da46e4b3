import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findImports } from './find-imports.ts'

const root = join(import.meta.dirname, '../..')

/** The arrows of the design: what each package may import of ours, and of others. */
const PACKAGES: Readonly<Record<string, { readonly ours: readonly string[]; readonly others: readonly string[] }>> = {
  core: { ours: [], others: ['zod'] },
  host: { ours: ['core'], others: [] },
  image: { ours: ['core'], others: ['zod'] },
  docker: { ours: ['core', 'image'], others: ['zod'] },
  podman: { ours: ['core', 'image'], others: ['zod'] },
  lxc: { ours: ['core', 'image'], others: ['zod'] },
  conformance: { ours: ['core'], others: ['tar-stream', 'vitest', 'zod'] },
  sdk: { ours: ['core', 'host', 'docker', 'podman', 'lxc'], others: [] },
}

const ADAPTERS = ['docker', 'podman', 'lxc'] as const

/** Modules that open the machine. Only `host` may; all others get their streams from its door. */
const DOORS: ReadonlySet<string> = new Set([
  'node:fs',
  'node:fs/promises',
  'node:child_process',
  'node:net',
  'node:worker_threads',
  'node:cluster',
  'node:dgram',
  'execa',
])

function listSources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules') && !path.includes('dist/'))
    .map((path) => join(root, folder, path))
}

function packageName(folder: string): string {
  return folder === 'sdk' ? 'rootless-runtime' : `@rootless-runtime/${folder}`
}

function importsOf(path: string): readonly string[] {
  return findImports(readFileSync(path, 'utf8')).map(toPackage)
}

/** The package of an import: `@rootless-runtime/core/schema` is of `@rootless-runtime/core`. */
function toPackage(name: string): string {
  const parts = name.split('/')
  if (name.startsWith('.') || name.startsWith('node:')) return name
  return parts.slice(0, name.startsWith('@') ? 2 : 1).join('/')
}

describe.each(Object.entries(PACKAGES))('packages/%s', (folder, allowed) => {
  const sources = listSources(`packages/${folder}/src`)

  test('has sources', () => {
    expect(sources.length).toBeGreaterThan(0)
  })

  test('imports only along the arrows', () => {
    const permitted = new Set([...allowed.ours.map(packageName), ...allowed.others])
    const broken = sources.flatMap((path) =>
      importsOf(path)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:') && !permitted.has(name))
        .map((name) => `${relative(root, path)} imports ${name}`),
    )
    expect(broken).toEqual([])
  })

  test('declares what it imports and nothing else', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
    const declared = [...keysOf(manifest, 'dependencies'), ...keysOf(manifest, 'peerDependencies')]
    const imported = new Set(sources.flatMap(importsOf).filter((name) => !name.startsWith('.') && !name.startsWith('node:')))
    expect(declared.toSorted()).toEqual([...imported].toSorted())
  })

  test.runIf(folder !== 'host')('opens no door to the machine', () => {
    // LXC's supervisor is a program of its own, and small: nobody is there to hand it a door.
    const inside = sources.filter((path) => !path.includes('/lxc/src/supervisor/'))
    const broken = inside.flatMap((path) =>
      importsOf(path)
        .filter((name) => DOORS.has(name))
        .map((name) => `${relative(root, path)} imports ${name}`),
    )
    // Types of a module are no door: `import type` is not in the list that findImports returns.
    expect(broken).toEqual([])
  })

  test('has no default export and no star export', () => {
    const broken = sources
      .filter((path) => /^export (?:default|\*)/mu.test(readFileSync(path, 'utf8')))
      .map((path) => relative(root, path))
    expect(broken).toEqual([])
  })

  test('keeps files under 250 lines', () => {
    const long = sources.filter((path) => readFileSync(path, 'utf8').split('\n').length > 251).map((path) => relative(root, path))
    expect(long).toEqual([])
  })
})

test('core is pure: it opens nothing of Node', () => {
  const impure = listSources('packages/core/src').flatMap((path) => importsOf(path).filter((name) => name.startsWith('node:')))
  expect(impure).toEqual([])
})

test.each(ADAPTERS)('the %s adapter has the files that every adapter has', (engine) => {
  const files = [`${engine}.ts`, `${engine}-facts.ts`, `${engine}-capabilities.ts`, `${engine}-errors.ts`, 'index.ts']
  const missing = files.filter(
    (file) => statSync(join(root, 'packages', engine, 'src', file), { throwIfNoEntry: false }) === undefined,
  )
  expect(missing).toEqual([])
  const recordings = readdirSync(join(root, 'packages', engine, 'recordings')).filter((file) => file.endsWith('.json'))
  expect(recordings.length).toBeGreaterThan(0)
})

test.each(ADAPTERS)('what the %s adapter imports late can be loaded early, by who is about to become another user', (engine) => {
  const late = (path: string): readonly string[] =>
    [...readFileSync(path, 'utf8').matchAll(/\bimport\('([^']+)'\)/gu)].flatMap(([, name]) => name ?? [])
  const factory = join(root, 'packages', engine, 'src', `${engine}.ts`)
  const loaded = new Set(late(factory))
  const others = listSources(`packages/${engine}/src`).filter((path) => path !== factory)
  expect(others.flatMap(late).filter((name) => !loaded.has(name))).toEqual([])
})

test('shared code never asks which engine it has', () => {
  const shared = [...listSources('packages/core/src'), ...listSources('packages/sdk/src'), ...listSources('apps/compare/src')]
  const broken = shared.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        /[!=]==? '(?:docker|podman|lxc)'|case '(?:docker|podman|lxc)'/u.test(line)
          ? [`${relative(root, path)}:${index + 1}`]
          : [],
      ),
  )
  expect(broken).toEqual([])
})

test('no package is called utils, shared, common or types, and no file either', () => {
  const names = [...readdirSync(join(root, 'packages')), ...listSources('packages').map((path) => path.split('/').at(-1) ?? '')]
  expect(names.filter((name) => /^(?:utils?|shared|common|types|helpers?)(?:\.ts)?$/u.test(name))).toEqual([])
})

test('only main.ts of the command prints or exits', () => {
  const printers = listSources('apps/compare/src').filter(
    (path) =>
      !path.endsWith('/main.ts') && /\bconsole\.|process\.(?:stdout|stderr|exit\b|exitCode)/u.test(readFileSync(path, 'utf8')),
  )
  expect(printers.map((path) => relative(root, path))).toEqual([])
})

function keysOf(manifest: unknown, field: string): readonly string[] {
  if (typeof manifest !== 'object' || manifest === null || !(field in manifest)) return []
  const value: unknown = Reflect.get(manifest, field)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

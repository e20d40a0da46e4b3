import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installAll, listFiles, listPublished, packAll, readManifest, root, runIn } from './packed-project.ts'

// What lands on other machines: the tarballs, packed from a build, looked into and installed in an empty project.

const SOURCE_CONDITION = '@rootless-runtime/source'
const folder = mkdtempSync(join(tmpdir(), 'rootless-package-'))
const project = join(folder, 'project')
const packages = listPublished()
const libraries = packages.filter(({ manifest }) => manifest.bin === undefined)
let tarballs: ReadonlyMap<string, string> = new Map()

beforeAll(() => {
  const notBuilt = packages.filter((each) => !existsSync(join(each.folder, 'dist'))).map(({ manifest }) => manifest.name)
  if (notBuilt.length > 0) throw new Error(`not built: ${notBuilt.join(', ')}; type: pnpm build`)
  tarballs = packAll(packages, folder)
  installAll(packages, tarballs, project)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function tarballOf(name: string): string {
  const path = tarballs.get(name)
  if (path === undefined) throw new Error(`${name} was not packed`)
  return path
}

/** Every file that the packed `exports` of a package lead to, with the condition that leads there. */
function listTargets(name: string): readonly (readonly [condition: string, path: string])[] {
  const { exports } = readManifest(join(project, 'node_modules', name))
  return Object.values(exports).flatMap((target) => Object.entries(typeof target === 'string' ? { default: target } : target))
}

test('the published packages are these', () => {
  expect(packages.map(({ manifest }) => manifest.name).toSorted()).toEqual([
    '@rootless-runtime/cli',
    '@rootless-runtime/conformance',
    '@rootless-runtime/core',
    '@rootless-runtime/docker',
    '@rootless-runtime/host',
    '@rootless-runtime/image',
    '@rootless-runtime/lxc',
    '@rootless-runtime/podman',
    'rootless-runtime',
  ])
})

test('all of one version', () => {
  expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1)
})

describe.each(packages.map(({ manifest }) => manifest.name))('%s', (name) => {
  test('holds what was built, its README and its LICENSE, and no source and no test', () => {
    const files = listFiles(tarballOf(name))
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']))
    const strange = files.filter(
      (path) => !/^(?:package\.json|README\.md|LICENSE|dist\/[\w./-]+(?:\.js|\.d\.ts|\.json))$/u.test(path),
    )
    expect(strange).toEqual([])
    expect(files.filter((path) => /(?:^|\/)test\/|\.test\.|tsbuildinfo/u.test(path))).toEqual([])
  })

  test('names no path of the machine that built it', () => {
    const texts = listFiles(tarballOf(name)).map((path) => readFileSync(join(project, 'node_modules', name, path), 'utf8'))
    expect(texts.filter((text) => text.includes(root))).toEqual([])
  })

  test('depends on released versions, not on the workspace', () => {
    const { dependencies, peerDependencies } = readManifest(join(project, 'node_modules', name))
    expect(Object.values({ ...dependencies, ...peerDependencies }).filter((range) => !/^[\^~>=]*\d/u.test(range))).toEqual([])
  })

  test('has a file behind every export that others can ask for', () => {
    const files = new Set(listFiles(tarballOf(name)).map((path) => `./${path}`))
    const wanted = listTargets(name).filter(([condition]) => condition !== SOURCE_CONDITION)
    expect(wanted.length).toBeGreaterThan(0)
    expect(wanted.filter(([, path]) => !files.has(path))).toEqual([])
  })

  // The condition is ours alone: in the workspace it comes first and leads to the sources. `publishConfig.exports` could strip
  // it; left in, it must lead to a source that is not packed, so that nobody gets half of one.
  test('has the private condition only where it leads to our sources', () => {
    const ours = listTargets(name).filter(([condition]) => condition === SOURCE_CONDITION)
    expect(ours.filter(([, path]) => !/^\.\/src\/[\w/-]+\.ts$/u.test(path))).toEqual([])
    expect(listTargets(name).filter(([condition, path]) => condition !== SOURCE_CONDITION && path.includes('/src/'))).toEqual([])
  })

  test('publint has nothing to say', async () => {
    const bytes = new Uint8Array(readFileSync(tarballOf(name)))
    const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, level: 'suggestion', strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })
})

describe.each(libraries.map(({ manifest }) => manifest.name))('%s', (name) => {
  test('has types that are right, as attw judges them', () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const words = [
      attw,
      tarballOf(name),
      '--profile',
      'esm-only',
      '--no-emoji',
      '--no-color',
      '--exclude-entrypoints',
      './package.json',
    ]
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('OK (ESM)')
  })

  // An assertion library of vitest's own starts only inside a test run.
  test.skipIf(name === '@rootless-runtime/conformance')('can be imported on bare Node, by each of its entries', () => {
    const entries = Object.keys(readManifest(join(project, 'node_modules', name)).exports)
    for (const entry of entries.filter((each) => !each.endsWith('.json'))) {
      const script = `console.log(Object.keys(await import(${JSON.stringify(name + entry.slice(1))})).length > 0)`
      const { stdout, stderr } = runIn(project, process.execPath, ['--input-type=module', '--eval', script])
      expect({ stdout, stderr }).toEqual({ stdout: 'true\n', stderr: '' })
    }
  })
})

describe('in an empty project', () => {
  const run = (script: string) => runIn(project, process.execPath, ['--no-deprecation', '--input-type=module', '--eval', script])

  test('the SDK asks every engine and writes a report that it can read back', () => {
    const { stdout, stderr } = run(`
      import { buildReport, toMatrix } from 'rootless-runtime'
      import { parseReport } from 'rootless-runtime/schema'
      const report = parseReport(JSON.stringify(await buildReport({ timeoutMs: 5000 })))
      console.log(toMatrix(report).columns.map(({ title }) => title).join())
    `)
    expect({ stdout, stderr }).toEqual({ stdout: 'Docker,Podman,LXC\n', stderr: '' })
  })

  test('the error class is one, whichever package throws it', () => {
    const { stdout } = run(`
      import { openRuntime, RootlessError } from 'rootless-runtime'
      import * as core from '@rootless-runtime/core'
      const absent = async () => ({ status: 'absent', reason: 'nothing is there' })
      const system = { environment: {}, user: { uid: 1000, gid: 1000, name: 'moby', homeDirectory: '/' }, readText: absent,
        listDirectory: absent, status: absent, realPath: absent, freeBytes: absent, findExecutable: absent, run: absent, connect: absent }
      const error = await openRuntime('docker', { system }).catch((each) => each)
      console.log(error instanceof RootlessError, error instanceof core.RootlessError, error.code)
    `)
    expect(stdout).toBe('true true ENGINE_UNAVAILABLE\n')
  })

  test('a strict TypeScript program compiles against the types that were packed', () => {
    writeFileSync(
      join(project, 'program.ts'),
      `import { buildReport, openRuntime, selectRuntime, type Report, type RootlessRuntime } from 'rootless-runtime'
       import { parseReport } from 'rootless-runtime/schema'
       const report: Report = await buildReport({ engines: ['podman'], timeoutMs: 1000 })
       const runtime: RootlessRuntime = await openRuntime('docker')
       const { why } = await selectRuntime({ require: { limits: ['memory'], storage: ['overlay'] } })
       // @ts-expect-error an engine that we do not know
       await openRuntime('jail')
       export const all: readonly unknown[] = [parseReport(JSON.stringify(report)), runtime.engine, why]
      `,
    )
    mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
    symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
    const options = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
    ]
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), [...options, 'program.ts'], {
      cwd: project,
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })

  test('the command prints its version', () => {
    const { version } = readManifest(join(project, 'node_modules/@rootless-runtime/cli'))
    const { status, stdout, stderr } = runIn(project, join(project, 'node_modules/.bin/rootless'), ['--version'])
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('the command needs nothing but itself', () => {
    expect(readManifest(join(project, 'node_modules/@rootless-runtime/cli')).dependencies).toEqual({})
    const alone = join(folder, 'alone')
    const cli = packages.filter(({ manifest }) => manifest.name === '@rootless-runtime/cli')
    installAll(cli, tarballs, alone)
    for (const words of [['--version'], ['--help'], ['schema'], ['compare', '--help']]) {
      const { status, stderr } = runIn(alone, join(alone, 'node_modules/.bin/rootless'), words)
      expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' })
    }
  })
})

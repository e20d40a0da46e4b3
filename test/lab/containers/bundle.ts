import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ENGINE_NAMES } from 'rootless-runtime'
import { build } from 'tsup'
import { supervisorInside } from '../../../packages/lxc/supervisor-inside.ts'
import type { Guest } from '../guest.ts'
import { runOnHost } from '../host-command.ts'

const ROOT = join(import.meta.dirname, '../../..')
const LIVE = join(ROOT, 'test/live/containers')
/** Where a guest has the suite. */
export const PLACE = '/project/containers'

/** Below `node_modules` vitest leaves a module to Node: an emulated processor takes minutes to transform these. */
const SUITE = 'node_modules/suite'

/** Each program of the suite and what it starts beside itself, by its name in the guest. */
const ENTRIES = {
  ...Object.fromEntries(ENGINE_NAMES.map((engine) => [engine, join(LIVE, `${engine}.test.ts`)])),
  owner: join(LIVE, 'owner.ts'),
}

/** The suite as a few files of JavaScript with everything in them but vitest. */
async function bundle(folder: string): Promise<void> {
  await build({
    entry: ENTRIES,
    outDir: join(folder, SUITE),
    format: 'esm',
    target: 'node22',
    platform: 'node',
    config: false,
    silent: true,
    splitting: true,
    external: ['vitest'],
    noExternal: [/^(?!vitest$)/u],
    esbuildPlugins: [supervisorInside],
    // CommonJS modules in the bundle ask for `require` and their own place.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); const __filename = import.meta.filename; const __dirname = import.meta.dirname;",
    },
    esbuildOptions(options) {
      options.conditions = ['@rootless-runtime/source', 'node', 'import', 'module', 'default']
    },
  })
  const files = {
    'package.json': '{ "type": "module" }',
    [`${SUITE}/package.json`]: '{ "type": "module" }',
    // Engines beside one another: each waits for its own programs much of the time.
    'vitest.config.js': `export default { test: { include: ['*.test.js'], pool: 'forks', maxWorkers: ${ENGINE_NAMES.length} } }`,
    ...Object.fromEntries(ENGINE_NAMES.map((engine) => [`${engine}.test.js`, `import './${SUITE}/${engine}.js'`])),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), `${content}\n`)
}

/** The folders of pnpm's store in this project that vitest needs, as paths from the project. */
function listVitest(): readonly string[] {
  const found = new Set<string>()
  const visit = (packageFolder: string): void => {
    const [, store] = /^(.*\/\.pnpm\/[^/]+)\/node_modules\//u.exec(packageFolder) ?? []
    if (store === undefined || found.has(store)) return
    found.add(store)
    const modules = join(store, 'node_modules')
    const names = readdirSync(modules).filter((name) => !name.startsWith('.'))
    const packages = names.flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`) : [name],
    )
    for (const name of packages) visit(realpathSync(join(modules, name)))
  }
  visit(realpathSync(join(ROOT, 'node_modules/vitest')))
  return [...found].map((folder) => relative(ROOT, folder))
}

/** The suite of containers as a folder: its programs, vitest, and in `bin` the busybox that its images are made of. */
export async function packContainers(folder: string): Promise<void> {
  await bundle(folder)
  const script = 'folder=$1; shift; tar -cf - "$@" | tar -C "$folder" -xf -'
  await runOnHost('sh', ['-c', `cd "$0" && ${script}`, ROOT, folder, 'node_modules/vitest', ...listVitest()])
  // This host's: static programs of glibc before 2.34, as bullseye's busybox, cannot resolve names where its libraries are not.
  await runOnHost('sh', ['-c', 'mkdir "$0/bin" && cp "$(command -v busybox)" "$0/bin"', folder])
}

/** Brings the suite of containers and vitest into a guest without network. */
export async function bringContainers(guest: Guest): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-containers-'))
  try {
    await packContainers(folder)
    await guest.send(folder, PLACE)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

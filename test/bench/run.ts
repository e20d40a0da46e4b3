import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

// Speed as ratios to the floor of the same run: bare Node, the engine's own command. Interleaved, by medians. Needs a build.
// `pnpm bench [FILE]` writes the numbers to FILE, or to test/bench/results.json.

const ROUNDS = 15
const USER = process.env['TEST_USER'] ?? 'rootless'
const root = join(import.meta.dirname, '../..')
const main = join(root, 'apps/compare/dist/main.js')
const node = process.execPath

type Words = readonly [string, ...string[]]

/** As root the engines' part runs as the ordinary user who has them. */
function asUser(words: Words): Words {
  if (userInfo().uid !== 0) return words
  const [, , uid = '', gid = '', , home = ''] = execFileSync('getent', ['passwd', USER], { encoding: 'utf8' }).trim().split(':')
  const environment = [`HOME=${home}`, `XDG_RUNTIME_DIR=/run/user/${uid}`, 'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin']
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', 'env', '-i', '-C', '/', ...environment, ...words]
}

const toImport = (path: string): Words => [node, '--input-type=module', '-e', `await import(${JSON.stringify(path)})`]

const COMMANDS = {
  node: [node, '-e', '0'],
  version: [node, main, '--version'],
  podmanInfo: ['podman', 'info', '--format', 'json'],
  compare: [node, main, 'compare', '--format', 'json'],
  zod: toImport(join(root, 'packages/core/node_modules/zod/index.js')),
  library: toImport(join(root, 'packages/sdk/dist/index.js')),
} as const satisfies Record<string, Words>
type Name = keyof typeof COMMANDS

const names = Object.keys(COMMANDS).filter((name): name is Name => Object.hasOwn(COMMANDS, name))
const times = new Map<Name, number[]>(names.map((name) => [name, []]))

for (let round = 0; round <= ROUNDS; round += 1) {
  for (const name of names) {
    const [file, ...words] = asUser(COMMANDS[name])
    const started = performance.now()
    const { status, stderr } = spawnSync(file, words, { cwd: '/', encoding: 'utf8' })
    // The first round warms the caches.
    if (round > 0) times.get(name)?.push(performance.now() - started)
    if (status !== 0) throw new Error(`${COMMANDS[name].join(' ')} ended with ${status}: ${stderr}`)
  }
}

function median(name: Name): number {
  const sorted = (times.get(name) ?? []).toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function peakMegabytes(): number {
  const tell = 'data:text/javascript,process.on("exit",()=>process.stderr.write("KB="+process.resourceUsage().maxRSS))'
  const [file, ...words] = asUser([node, '--import', tell, main, 'compare'])
  const { stderr } = spawnSync(file, words, { cwd: '/', encoding: 'utf8' })
  return Number(/KB=(\d+)/u.exec(stderr)?.[1]) / 1024
}

const results = [
  { what: 'rootless --version / node -e 0', value: median('version') / median('node'), target: 1.4 },
  {
    what: 'rootless compare / (node -e 0 + podman info)',
    value: median('compare') / (median('node') + median('podmanInfo')),
    target: 1.25,
  },
  { what: "import 'rootless-runtime' / import 'zod'", value: median('library') / median('zod'), target: 1.5 },
  { what: 'peak memory of compare, MB', value: peakMegabytes(), target: 120 },
]

for (const { what, value, target } of results) {
  process.stdout.write(`${value <= target ? 'met   ' : 'missed'} ${value.toFixed(2).padStart(7)} (target ${target})  ${what}\n`)
}
const file = process.argv[2] ?? join(import.meta.dirname, 'results.json')
const medians = Object.fromEntries(names.map((name) => [name, Number(median(name).toFixed(1))]))
writeFileSync(
  file,
  `${JSON.stringify({ date: new Date().toISOString(), node: process.version, rounds: ROUNDS, medianMs: medians, results }, undefined, 2)}\n`,
)

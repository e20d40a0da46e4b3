import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, release, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { NUMBER_OF_RUNS } from './measure.ts'
import { measureTargets, resultSchema, type Result } from './targets.ts'

// `node test/bench/run.ts [--output FILE]`: the speed of what was built, as ratios within one run, against its targets. It says
// what is not met and still ends well: a slow machine is no broken one. As root it measures as an ordinary user, TEST_USER or
// the one that `rootless setup` makes, because engines belong to that one.

const root = join(import.meta.dirname, '../..')
const USER = process.env['TEST_USER'] ?? 'rootless'

/** Measures in a process of its own that belongs to the user, whose environment has nothing of root's. */
function measureAs(user: string): readonly Result[] {
  const [, , uid = '', gid = '', , home = ''] = spawnSync('getent', ['passwd', user], { encoding: 'utf8' })
    .stdout.trim()
    .split(':')
  if (uid === '') throw new Error(`there is no user ${user}; set the machine up by: npx -y pnpm@12 start --yes`)
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--']
  const environment = {
    HOME: home,
    USER: user,
    LOGNAME: user,
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    XDG_RUNTIME_DIR: `/run/user/${uid}`,
  }
  const readable = spawnSync('setpriv', [...asUser.slice(1), 'test', '-r', join(root, 'package.json')]).status === 0
  const command = [...asUser, process.execPath, join(root, 'test/bench/run.ts'), '--measure']
  const [file = '', ...words] = readable ? command : atAnotherPlace(command)
  const { status, stdout } = spawnSync(file, words, {
    cwd: '/',
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`measuring as ${user} ended with ${status}`)
  return z.array(resultSchema).parse(JSON.parse(stdout))
}

// A clone below a closed folder, such as root's home, shown at a place that everybody may pass: see test/run.ts.
function atAnotherPlace(command: readonly string[]): readonly string[] {
  const place = '/mnt'
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
  const moved = command.map((word) => (word.startsWith(root) ? place + word.slice(root.length) : word))
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'at-another-place', root, place, ...moved]
}

function renderTable(results: readonly Result[]): string {
  const lines = results.map(({ title, value, limit, unit, parts, met }) => {
    const suffix = unit === 'MB' ? ' MB' : ''
    const measured = `${value.toFixed(2)}${suffix}`.padStart(10)
    return `${met ? 'pass' : 'FAIL'}  ${title.padEnd(48)}${measured}  (at most ${limit}${suffix})  ${parts}`.trimEnd()
  })
  return `${lines.join('\n')}\n${results.filter(({ met }) => met).length} of ${results.length} targets met; medians of ${NUMBER_OF_RUNS} runs\n`
}

function main(): void {
  const { values } = parseArgs({ options: { output: { type: 'string' }, measure: { type: 'boolean' } } })
  if (values.measure === true) {
    process.stdout.write(JSON.stringify(measureTargets(root)))
    return
  }
  const asRoot = userInfo().uid === 0
  const results = asRoot ? measureAs(USER) : measureTargets(root)
  process.stdout.write(renderTable(results))
  const output = values.output ?? join(import.meta.dirname, 'results.json')
  const machine = {
    node: process.version,
    kernel: release(),
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
  }
  const report = { measuredAt: new Date().toISOString(), runs: NUMBER_OF_RUNS, machine, results }
  writeFileSync(output, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(`written to ${output}\n`)
}

main()

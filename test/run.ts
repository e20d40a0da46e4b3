import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { check, ONE_AFTER_ANOTHER, root, run, runProject, say, vitest } from './checks.ts'
import { FAILED, NOTHING, readCount, type Count } from './count.ts'
import { ALL_GUESTS, CORE_GUESTS } from './lab/releases.ts'
import { ALL_SUITES, CORE_SUITES, prepareLab, runLab, runWholeContainers } from './run-lab.ts'

// `pnpm test`: every check of this repository, the live ones on the real engines of this machine, and one line at the end;
// `pnpm test PART...`: the named ones alone, `live` with files when they are named too.
// `pnpm test:lab` (`--lab`): the guests of the lab alone, the core set or, with `--all`, every one; `--at-once N`: so many suites side
// by side, each with one guest. In CI `pnpm test` has the core set.
// Engines belong to an ordinary user: as root the live tests run as TEST_USER, or as the user that `rootless setup` makes.

const USER = process.env['TEST_USER'] ?? 'rootless'
const EVERYTHING_MUST_RUN = process.env['CI'] === 'true'

interface Session {
  readonly title: string
  /** What stands before a command to run it there. */
  readonly enter: readonly string[]
  /** The test files that have something to say about such a session; all of them when empty. */
  readonly only: readonly string[]
}

/** The live tests, as an ordinary user, with that user's environment and nothing of root's. */
async function runLive(files: readonly string[]): Promise<readonly Count[]> {
  if (userInfo().uid !== 0) return [await runProject('live', [...ONE_AFTER_ANOTHER, ...files])]
  const [, , uid = '', gid = '', , home = ''] = spawnSync('getent', ['passwd', USER], { encoding: 'utf8' })
    .stdout.trim()
    .split(':')
  if (uid === '')
    return [
      leaveOut(`the live tests on real engines: there is no user ${USER}; set the machine up by: npx -y pnpm@12 start --yes`),
    ]
  const environment = [
    `HOME=${home}`,
    `USER=${USER}`,
    `LOGNAME=${USER}`,
    'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    `XDG_RUNTIME_DIR=/run/user/${uid}`,
    ...(EVERYTHING_MUST_RUN ? ['CI=true'] : []),
  ]
  const clean = ['env', '--ignore-environment', ...environment]
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', ...clean]
  const sessions: readonly Session[] = [
    { title: `live, as ${USER}`, enter: asUser, only: files },
    // libpam-cgfs gives groups to a login: there LXC can apply a memory limit on cgroup v1.
    ...(files.length === 0 && hasPamCgfs()
      ? [
          {
            title: `live, in a login of ${USER}`,
            enter: ['su', '-', USER, '-c', 'exec "$@"', '--', 'sh', ...clean],
            only: ['test/live/lxc'],
          },
        ]
      : []),
  ]
  const [file = '', ...words] = asUser
  const readable = spawnSync(file, [...words, 'test', '-r', join(root, 'package.json')]).status === 0
  const counts: Count[] = []
  for (const [index, { title, enter, only }] of sessions.entries()) {
    say(`== vitest: ${title}`)
    const output = join(home, `.rootless-test-${process.pid}-${index}.json`)
    const command = [...enter, ...vitest('live', output), ...ONE_AFTER_ANOTHER, '--root', root, ...only]
    counts.push(readCount(output, await run(readable ? command : atAnotherPlace(command))))
    rmSync(output, { force: true })
  }
  return counts
}

function hasPamCgfs(): boolean {
  try {
    return /^session\b.*pam_cgfs\.so/mu.test(readFileSync('/etc/pam.d/common-session', 'utf8'))
  } catch {
    return false
  }
}

// A clone below a closed folder, such as root's home: shown to the tests at a place that everybody may pass, in a mount
// namespace of their own that ends with them.
function atAnotherPlace(command: readonly string[]): readonly string[] {
  const place = '/mnt'
  const script = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'
  const moved = command.map((word) => (word.startsWith(root) ? place + word.slice(root.length) : word))
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'at-another-place', root, place, ...moved]
}

function leaveOut(reason: string): Count {
  say(`LEFT OUT: ${reason}`)
  return EVERYTHING_MUST_RUN ? FAILED : { ...NOTHING, skipped: 1 }
}

/** What the tests consist of, in the order in which they run; each can be asked for by its name. */
function listParts(files: readonly string[]) {
  const turbo = join(root, 'node_modules/.bin/turbo')
  const tool = (name: string): string => join(root, 'node_modules/.bin', name)
  const build = [turbo, 'run', 'build', '--ui=stream', '--output-logs=errors-only']
  return {
    types: async () => [
      await check('types', [tool('tsc'), '-p', 'test']),
      await check('types of the examples', [tool('tsc'), '-p', 'examples']),
      await check('types of the packages', [turbo, 'run', 'types', '--ui=stream', '--output-logs=errors-only']),
    ],
    lint: async () => [await check('lint', [tool('oxlint'), '--deny-warnings'])],
    format: async () => [await check('format', [tool('oxfmt'), '--check'])],
    build: async () => [await check('build', build)],
    unit: async () => [await runProject('unit')],
    package: async () => [await runProject('package')],
    live: () => runLive(files),
  }
}

/** The lab's own command: the core set, or every guest and suite. */
async function runLabAlone(): Promise<readonly Count[]> {
  const all = process.argv.includes('--all')
  const guests = all ? ALL_GUESTS : CORE_GUESTS
  const built = await listParts([]).build()
  const prepared = await prepareLab(guests)
  const counts = [...built, prepared, ...(await runLab(prepared, guests, all ? ALL_SUITES : CORE_SUITES))]
  return all ? [...counts, ...(await runWholeContainers(prepared))] : counts
}

async function runChecks(): Promise<readonly Count[]> {
  const words = process.argv.slice(2)
  if (words.includes('--lab')) return runLabAlone()
  const files = words.filter((word) => word.includes('/'))
  const named = words.filter((word) => !word.includes('/'))
  const parts = listParts(files)
  const strange = named.filter((name) => !Object.hasOwn(parts, name))
  if (strange.length > 0 || (files.length > 0 && !named.includes('live'))) {
    say(
      `no such part: ${[...strange, ...files].join(' ')}; they are ${Object.keys(parts).join(' ')}, and after live a file or more`,
    )
    return [FAILED]
  }
  const everything = named.length === 0
  const inCi = everything && EVERYTHING_MUST_RUN
  const counts: Count[] = []
  // First of all: it installs what the live tests build images with.
  const prepared = inCi ? await prepareLab(CORE_GUESTS) : NOTHING
  for (const [name, runPart] of Object.entries(parts)) {
    if (everything || named.includes(name)) counts.push(...(await runPart()))
  }
  if (inCi) return [...counts, prepared, ...(await runLab(prepared, CORE_GUESTS, CORE_SUITES))]
  return everything ? [...counts, leaveOut('the guests of the lab: npx -y pnpm@12 test:lab')] : counts
}

async function main(): Promise<number> {
  const counts = await runChecks()
  const sum = (pick: (count: Count) => number): number => counts.reduce((total, count) => total + pick(count), 0)
  const [passed, failed, skipped] = [sum((each) => each.passed), sum((each) => each.failed), sum((each) => each.skipped)]
  say(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main()

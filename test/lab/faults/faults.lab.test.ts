import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Guest } from '../guest.ts'
import { startGuest } from '../start-guest.ts'
import { judgeTime, writeFaults, type FaultSeen } from './fault-record.ts'
import { FAULTS, LOGOUT_TITLE, type Line } from './faults.ts'
import { toStatements, type Statement } from './statements.ts'

// A host that worked and no longer does: `compare` says so, in time and with the next command to type, and harms nothing.

const PATIENT = '--timeout 60'
const DIST = join(import.meta.dirname, '../../../apps/compare/dist')
const ENGINES_WORK = [
  'for try in $(seq 100); do docker info >/dev/null 2>&1 && break; sleep 0.5; done',
  'docker run --rm busybox true',
  'podman run --rm busybox true',
  'lxc-info -n c0 >/dev/null',
].join(' && ')

let guest: Guest
let undisturbedMs = 0
const seen: FaultSeen[] = []

/** By the guest's own monotonic clock: the way into it is not the command's. */
async function compare(environment = '', words = ''): Promise<{ readonly text: string; readonly elapsedMs: number }> {
  const { stdout } = await guest.run(
    `now() { cut -d' ' -f1 /proc/uptime; }; cd; from=$(now); ${environment} node /project/dist/main.js compare --format json ${words}; echo; echo "$from $(now)"`,
  )
  const lines = stdout.trimEnd().split('\n')
  const [from = Number.NaN, to = Number.NaN] = (lines.pop() ?? '').split(' ').map(Number)
  return { text: lines.join('\n'), elapsedMs: Math.round((to - from) * 1000) }
}

/** Holds a `compare` to its time, and keeps which limit it was held by. */
function expectInTime(title: string, elapsedMs: number, { text: said, commands: [next = 'nothing'] }: Statement): void {
  const heldBy = judgeTime(elapsedMs, { undisturbedMs, accelerator: guest.accelerator })
  expect(heldBy, `${elapsedMs} ms; undisturbed ${undisturbedMs} ms`).toBeDefined()
  if (heldBy !== undefined) seen.push({ title, said, next, elapsedMs, heldBy })
}

async function type({ user, line }: Line): Promise<void> {
  const { exitCode, stderr } = await guest.run(line, { user })
  expect(exitCode, `${user}: ${line}\n${stderr}`).toBe(0)
}

async function expectUndamaged(): Promise<void> {
  const { exitCode, stderr } = await guest.run(ENGINES_WORK)
  expect(exitCode, `the engines run containers again: ${stderr}`).toBe(0)
}

/** The sentence that says it and has the next command, that command first. */
function findSaid(statements: readonly Statement[], text: RegExp, next: RegExp): Statement | undefined {
  return statements
    .filter((statement) => text.test(statement.text))
    .map((statement) => ({ text: statement.text, commands: statement.commands.filter((command) => next.test(command)) }))
    .find(({ commands }) => commands.length > 0)
}

function expectSaid(statements: readonly Statement[], text: RegExp, next: RegExp): Statement {
  const found = findSaid(statements, text, next)
  if (found === undefined) throw new Error(`not said: ${text}, next ${next}; said:\n${toLines(statements)}`)
  return found
}

beforeAll(async () => {
  guest = await startGuest({ release: 'bookworm', configuration: 'delegate' })
  await guest.send(DIST, '/project/dist')
  await compare()
  undisturbedMs = (await compare()).elapsedMs
})

afterAll(async () => {
  await guest.stop()
  // Those that passed: a page made of fewer than there are fails.
  writeFaults({
    guest: guest.name,
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: import.meta.dirname }).trim(),
    accelerator: guest.accelerator,
    undisturbedMs,
    faults: seen,
  })
})

// The first of all: a process that a broken host left in an ended session would keep its user.
test(LOGOUT_TITLE, async () => {
  const running = async (): Promise<boolean> => (await guest.run('pgrep -u moby -x sleep', { user: 'root' })).exitCode === 0
  await guest.must('docker run -d --name ends busybox sleep 9999')
  try {
    await type({ user: 'root', line: 'loginctl disable-linger moby' })
    const { text, elapsedMs } = await compare()
    const statements = toStatements(parseReport(text))
    const said = expectSaid(statements, /moby does not linger: containers end/u, /loginctl enable-linger moby/u)
    expectInTime(LOGOUT_TITLE, elapsedMs, said)
    expect(await running()).toBe(true)
    // The connection of the user ends, and with it the only login.
    await type({ user: 'root', line: 'pkill -u moby -x sshd' })
    await expect.poll(running, { timeout: 120_000, interval: 2000 }).toBe(false)
  } finally {
    await type({
      user: 'root',
      line: "loginctl enable-linger moby; systemctl start user@1000; su - moby -c '. /etc/profile.d/lab.sh; systemctl --user start podman.socket docker'",
    })
  }
  await expectUndamaged()
  expect(await guest.must('docker inspect --format "{{.State.Status}}" ends')).toBe('exited')
  await guest.must('docker rm ends')
})

test.each(FAULTS.map((fault) => [fault.title, fault] as const))('%s', async (_, fault) => {
  const before = toStatements(parseReport((await compare()).text))
  expect(findSaid(before, fault.says, fault.next), 'not said before').toBeUndefined()
  try {
    if (fault.break !== undefined) await type(fault.break)
    const { text, elapsedMs } = await compare(fault.environment)
    const statements = toStatements(parseReport(text))
    expectInTime(fault.title, elapsedMs, expectSaid(statements, fault.says, fault.next))
  } finally {
    if (fault.undo !== undefined) await type(fault.undo)
  }
  await expectUndamaged()
})

test('a clock that jumps by days changes no answer', async () => {
  // What a busy machine cuts short is no difference.
  const before = parseReport((await compare('', PATIENT)).text)
  await type({ user: 'root', line: "date -s '+30 days'" })
  const { elapsedMs } = await compare()
  const after = parseReport((await compare('', PATIENT)).text)
  await type({ user: 'root', line: "date -s '-30 days'" })
  expect(after.engines).toEqual(before.engines)
  expect(Date.parse(after.createdAt) - Date.parse(before.createdAt)).toBeGreaterThan(29 * 86_400_000)
  expect(judgeTime(elapsedMs, { undisturbedMs, accelerator: guest.accelerator }), `${elapsedMs} ms`).toBeDefined()
  await expectUndamaged()
})

function toLines(statements: readonly Statement[]): string {
  return statements.map(({ text, commands }) => `${text} [${commands.join('; ')}]`).join('\n')
}

import { join } from 'node:path'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Guest } from '../guest.ts'
import { startGuest } from '../start-guest.ts'
import { FAULTS, type Line } from './faults.ts'
import { toStatements, type Statement } from './statements.ts'

// A host that worked and no longer does: `compare` says so, in time and with the next command to type, and harms nothing.

const DIST = join(import.meta.dirname, '../../../apps/compare/dist')
const MAXIMUM_MS = 10_000
/** What an emulated processor may add: a disturbed `compare` may take this many times an undisturbed one. */
const MAXIMUM_RATIO = 3
const ENGINES_WORK = [
  'for try in $(seq 100); do docker info >/dev/null 2>&1 && break; sleep 0.5; done',
  'docker run --rm busybox true',
  'podman run --rm busybox true',
  'lxc-info -n c0 >/dev/null',
].join(' && ')

let guest: Guest
let undisturbedMs = 0

/** By the guest's own monotonic clock: the way into it is not the command's. */
async function compare(environment = ''): Promise<{ readonly text: string; readonly elapsedMs: number }> {
  const { stdout } = await guest.run(
    `now() { cut -d' ' -f1 /proc/uptime; }; cd; from=$(now); ${environment} node /project/dist/main.js compare --format json; echo; echo "$from $(now)"`,
  )
  const lines = stdout.trimEnd().split('\n')
  const [from = Number.NaN, to = Number.NaN] = (lines.pop() ?? '').split(' ').map(Number)
  return { text: lines.join('\n'), elapsedMs: Math.round((to - from) * 1000) }
}

function isInTime(elapsedMs: number): boolean {
  return elapsedMs < MAXIMUM_MS || (guest.accelerator === 'tcg' && elapsedMs < undisturbedMs * MAXIMUM_RATIO)
}

async function type({ user, line }: Line): Promise<void> {
  const { exitCode, stderr } = await guest.run(line, { user })
  expect(exitCode, `${user}: ${line}\n${stderr}`).toBe(0)
}

async function expectUndamaged(): Promise<void> {
  const { exitCode, stderr } = await guest.run(ENGINES_WORK)
  expect(exitCode, `the engines run containers again: ${stderr}`).toBe(0)
}

function says(statements: readonly Statement[], text: RegExp, next: RegExp): boolean {
  return statements.some((statement) => text.test(statement.text) && statement.commands.some((command) => next.test(command)))
}

function expectSaid(statements: readonly Statement[], text: RegExp, next: RegExp): void {
  expect(says(statements, text, next) ? 'said' : toLines(statements)).toBe('said')
}

beforeAll(async () => {
  guest = await startGuest({ release: 'bookworm', configuration: 'delegate' })
  await guest.send(DIST, '/project/dist')
  await compare()
  undisturbedMs = (await compare()).elapsedMs
})

afterAll(() => guest.stop())

// The first of all: a process that a broken host left in an ended session would keep its user.
test('without lingering compare says that containers will end at the last logout, and they do', async () => {
  const running = async (): Promise<boolean> => (await guest.run('pgrep -u moby -x sleep', { user: 'root' })).exitCode === 0
  await guest.must('docker run -d --name ends busybox sleep 9999')
  try {
    await type({ user: 'root', line: 'loginctl disable-linger moby' })
    const { text } = await compare()
    const statements = toStatements(parseReport(text))
    expectSaid(statements, /moby does not linger: containers end/u, /loginctl enable-linger moby/u)
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
  expect(says(before, fault.says, fault.next), 'not said before').toBe(false)
  try {
    if (fault.break !== undefined) await type(fault.break)
    const { text, elapsedMs } = await compare(fault.environment)
    const statements = toStatements(parseReport(text))
    expectSaid(statements, fault.says, fault.next)
    expect(isInTime(elapsedMs), `${elapsedMs} ms; undisturbed ${undisturbedMs} ms`).toBe(true)
  } finally {
    if (fault.undo !== undefined) await type(fault.undo)
  }
  await expectUndamaged()
})

test('a clock that jumps by days changes no answer', async () => {
  const before = parseReport((await compare()).text)
  await type({ user: 'root', line: "date -s '+30 days'" })
  const { text, elapsedMs } = await compare()
  await type({ user: 'root', line: "date -s '-30 days'" })
  const after = parseReport(text)
  expect(after.engines).toEqual(before.engines)
  expect(Date.parse(after.createdAt) - Date.parse(before.createdAt)).toBeGreaterThan(29 * 86_400_000)
  expect(isInTime(elapsedMs), `${elapsedMs} ms; undisturbed ${undisturbedMs} ms`).toBe(true)
  await expectUndamaged()
})

function toLines(statements: readonly Statement[]): string {
  return statements.map(({ text, commands }) => `${text} [${commands.join('; ')}]`).join('\n')
}

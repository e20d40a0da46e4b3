import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '@rootless-runtime/core'
import { afterAll, describe, expect, test } from 'vitest'
import { createLocalSystem } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'hostile-system-'))
const system = createLocalSystem()
const servers: Server[] = []
const children: ChildProcess[] = []
afterAll(() => {
  for (const server of servers) server.close()
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** Processes that carry a mark in their environment, which children inherit. */
function findMarked(mark: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/u.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/environ`, 'utf8').includes(mark)
    } catch {
      return false
    }
  })
}

async function expectNothingLeft(mark: string): Promise<void> {
  for (let attempt = 0; attempt < 20 && findMarked(mark).length > 0; attempt += 1) await sleep(100)
  expect(findMarked(mark)).toEqual([])
}

let count = 0
/** Runs a shell script, tells how long it took, and holds that none of its processes is left. */
async function runScript(script: string, options: Partial<Command> = {}, from = system) {
  count += 1
  const mark = `HOSTILE_MARK=${process.pid}-${count}.`
  const beganMs = performance.now()
  const answer = await from.run({
    file: 'sh',
    arguments: ['-c', script],
    timeoutMs: 10_000,
    ...options,
    environment: { HOSTILE_MARK: mark.slice('HOSTILE_MARK='.length) },
  })
  const tookMs = performance.now() - beganMs
  await expectNothingLeft(mark)
  return { answer, tookMs }
}

describe('a command', () => {
  test.each([
    ['that never ends', 'sleep 30'],
    ['that ignores SIGTERM', 'trap "" TERM; while :; do sleep 1; done'],
    ['whose child ignores SIGTERM', 'sh -c "trap \\"\\" TERM; sleep 30" & wait'],
    ['that has ended while a grandchild holds the pipe', 'sleep 30 & exit 0'],
    ['that stops itself', 'kill -STOP $$; sleep 30'],
    ['that waits for input', 'exec 3<>/dev/null; sleep 30 <&3'],
  ])('%s is ended soon after its time limit, with its whole family', async (_, script) => {
    const { answer, tookMs } = await runScript(script, { timeoutMs: 300 })
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('did not end within 0.3 s') })
    expect(tookMs).toBeLessThan(1500)
  })

  test('keeps what was printed before the time limit', async () => {
    const { answer } = await runScript('echo begun; sleep 30', { timeoutMs: 300 })
    expect(answer).toMatchObject({ stdout: 'begun\n' })
  })

  test.each([
    ['on stdout', 'yes'],
    ['on stderr', 'yes >&2'],
    ['and ignores SIGTERM and SIGPIPE', 'trap "" TERM PIPE; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxx; done 2>/dev/null'],
    ['without a newline', 'cat /dev/zero'],
  ])('that prints forever %s is ended, with its output bounded', async (_, script) => {
    const { answer, tookMs } = await runScript(script, { maximumOutputBytes: 100_000 })
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('printed more than 100000 bytes') })
    if (answer.status === 'failed') expect(answer.stdout.length + answer.stderr.length).toBeLessThanOrEqual(200_000)
    expect(tookMs).toBeLessThan(3000)
  })

  test('that prints 100 MB costs no such memory', async () => {
    const beforeBytes = process.memoryUsage.rss()
    const { answer } = await runScript('head -c 100000000 /dev/zero')
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('1048576 bytes') })
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(50 * 1024 ** 2)
  })

  test('may print exactly as much as allowed', async () => {
    const { answer } = await runScript('head -c 5000 /dev/zero | tr "\\0" x', { maximumOutputBytes: 5000 })
    expect(answer).toMatchObject({ status: 'exited', exitCode: 0, stdout: 'x'.repeat(5000) })
  })

  test('that prints what is not UTF-8 gives replacement characters', async () => {
    const { answer } = await runScript("printf 'a\\377\\376b'")
    expect(answer).toMatchObject({ status: 'exited', stdout: 'a\ufffd\ufffdb' })
  })

  test('that dies by a signal says which', async () => {
    const { answer } = await runScript('kill -SEGV $$')
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('SIGSEGV') })
  })

  test('gets its input, and may end without reading it', async () => {
    expect((await runScript('cat', { input: 'x'.repeat(300_000) })).answer).toMatchObject({ stdout: 'x'.repeat(300_000) })
    expect((await runScript('exit 3', { input: 'x'.repeat(3_000_000) })).answer).toMatchObject({ status: 'exited', exitCode: 3 })
  })

  test('that is not there is absent; a folder and a file that is not executable are not', async () => {
    writeFileSync(join(folder, 'plain'), 'text', { mode: 0o644 })
    const run = (file: string) => system.run({ file, arguments: [], timeoutMs: 5000 })
    expect((await run(join(folder, 'nothing'))).status).toBe('absent')
    expect((await run(folder)).status).toBe('failed')
    expect((await run(join(folder, 'plain'))).status).toBe('failed')
  })

  test('has its words escaped in the reason', async () => {
    const { answer } = await runScript('sleep 30 # \u001b[31m', { timeoutMs: 200 })
    expect(answer.status === 'failed' && answer.reason).not.toMatch(/\p{Cc}/u)
  })

  test('ends with the signal of its system, at once and for good', async () => {
    const abort = new AbortController()
    const own = createLocalSystem({ signal: abort.signal })
    setTimeout(() => abort.abort(), 200)
    const { answer, tookMs } = await runScript('trap "" TERM; sleep 30 & wait; sleep 30', {}, own)
    expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('aborted') })
    expect(tookMs).toBeLessThan(1500)
    expect((await runScript('echo run', {}, own)).answer).toMatchObject({ status: 'failed', stdout: '' })
  })
})

describe('a file', () => {
  const pathOf = (name: string): string => join(folder, name)

  test.each<readonly [string, () => void, string, RegExp]>([
    ['a fifo that nobody writes', () => void execFileSync('mkfifo', [pathOf('fifo')]), 'fifo', /is a fifo, not a file/u],
    ['a directory', () => mkdirSync(pathOf('directory')), 'directory', /is a directory, not a file/u],
    ['a link to an endless device', () => symlinkSync('/dev/zero', pathOf('zero')), 'zero', /is a character-device, not a file/u],
    ['a link to itself', () => symlinkSync(pathOf('loop'), pathOf('loop')), 'loop', /ELOOP/u],
    ['a huge file', () => truncateSync(touch('huge'), 10 * 1024 ** 4), 'huge', /larger than 1048576 bytes/u],
    ['a name that no file can have', () => undefined, 'x'.repeat(300), /ENAMETOOLONG/u],
  ])('that is %s is a failure that says so, soon', async (_, make, name, reason) => {
    make()
    const beganMs = performance.now()
    expect(await system.readText(pathOf(name))).toMatchObject({ status: 'failed', reason: expect.stringMatching(reason) })
    expect(performance.now() - beganMs).toBeLessThan(1000)
  })

  function touch(name: string): string {
    writeFileSync(pathOf(name), '')
    return pathOf(name)
  }

  test('below a file is absent', async () => {
    expect((await system.readText(join(touch('plain-file'), 'below'))).status).toBe('absent')
  })

  test('of bytes that are not UTF-8 is read with replacement characters', async () => {
    writeFileSync(pathOf('latin'), Buffer.from([0x61, 0xff, 0xfe, 0x62]))
    expect(await system.readText(pathOf('latin'))).toEqual({ status: 'ok', value: 'a\ufffd\ufffdb' })
  })

  test.each(['/proc/self/status', '/proc/self/mountinfo', '/proc/cpuinfo', '/proc/sys/kernel/osrelease'])(
    '%s is read to its end, though its size is 0',
    async (file) => {
      const answer = await system.readText(file)
      expect(answer.status === 'ok' && answer.value.endsWith('\n')).toBe(true)
    },
  )

  test('with an escape sequence in its name is named without it', async () => {
    const answer = await system.readText(pathOf('\u001b[31mred'))
    expect(answer.status === 'absent' && answer.reason).toContain('\\u001b[31mred')
  })

  test.skipIf(process.getuid?.() === 0)('that this user may not read is denied, not absent', async () => {
    expect((await system.readText('/etc/shadow')).status).toBe('denied')
  })
})

describe('a socket', () => {
  const listen = async (name: string, onConnect: Parameters<typeof createServer>[1]): Promise<string> => {
    const socketPath = join(folder, name)
    const server = createServer({}, onConnect)
    servers.push(server)
    await new Promise<void>((done) => void server.listen(socketPath, done))
    return socketPath
  }

  test('that never answers gives a stream that the signal ends', async () => {
    const abort = new AbortController()
    const socketPath = await listen('silent.sock', (peer) => peer.on('error', () => {}))
    const answer = await createLocalSystem({ signal: abort.signal }).connect(socketPath, { timeoutMs: 1000 })
    if (answer.status !== 'ok') throw new Error(answer.reason)
    const closed = new Promise((done) => answer.value.once('close', done))
    abort.abort()
    await closed
    expect(answer.value.destroyed).toBe(true)
  })

  test('whose peer hangs up at once ends the stream and breaks nothing', async () => {
    const socketPath = await listen('reset.sock', (peer) => peer.destroy())
    const answer = await system.connect(socketPath, { timeoutMs: 1000 })
    if (answer.status !== 'ok') throw new Error(answer.reason)
    const closed = new Promise((done) => answer.value.once('close', done))
    answer.value.resume()
    answer.value.write('x'.repeat(100_000))
    await closed
    expect(answer.value.destroyed).toBe(true)
  })

  test('whose process hangs with a full queue is a failure within the time limit', async () => {
    const socketPath = join(folder, 'full.sock')
    const script = `require('node:net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
      console.log('listening')
      setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20000), 10)
    })`
    const child = spawn(process.execPath, ['-e', script, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    await new Promise((done) => child.stdout.once('data', done))
    await sleep(100)
    const beganMs = performance.now()
    const answers = await Promise.all(Array.from({ length: 6 }, () => system.connect(socketPath, { timeoutMs: 500 })))
    expect(performance.now() - beganMs).toBeLessThan(1500)
    for (const answer of answers) if (answer.status === 'ok') answer.value.destroy()
    expect(answers.filter(({ status }) => status === 'failed').length).toBeGreaterThan(0)
  })

  test.each([
    ['a directory', () => folder, /not a socket/u],
    ['a relative path', () => 'docker.sock', /not an absolute path/u],
    ['a path that is too long', () => `/${'x'.repeat(120)}`, /at most 107/u],
  ])('that is %s is a failure that says so', async (_, toPath, reason) => {
    expect(await system.connect(toPath(), { timeoutMs: 1000 })).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(reason),
    })
  })
})

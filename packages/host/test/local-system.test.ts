import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLocalSystem, probeHost } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'local-system-'))
const system = createLocalSystem()
afterAll(() => rmSync(folder, { recursive: true }))

test('a command answers with its exit code and both streams apart', async () => {
  const answer = await system.run({ file: 'sh', arguments: ['-c', 'echo out; echo err >&2; exit 7'], timeoutMs: 5000 })
  expect(answer).toEqual({ status: 'exited', exitCode: 7, stdout: 'out\n', stderr: 'err\n' })
})

test('a program that is not there is absent', async () => {
  expect((await system.run({ file: 'no-such-program', arguments: [], timeoutMs: 5000 })).status).toBe('absent')
})

test('a command that ignores SIGTERM and its grandchild end soon after the time limit', async () => {
  const marker = `sleep-${process.pid}`
  const began = Date.now()
  const script = `trap '' TERM; sh -c "trap '' TERM; sleep 30; : ${marker}" & sleep 30`
  const answer = await system.run({ file: 'sh', arguments: ['-c', script], timeoutMs: 300 })
  expect(answer.status).toBe('failed')
  expect(Date.now() - began).toBeLessThan(2000)
  const left = await system.run({ file: 'pgrep', arguments: ['-f', `: ${marker}$`], timeoutMs: 5000 })
  expect(left.status === 'exited' && left.stdout).toBe('')
})

test('a command that prints forever is ended, with its output bounded', async () => {
  const answer = await system.run({ file: 'yes', arguments: [], timeoutMs: 10_000, maximumOutputBytes: 100_000 })
  expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('printed more than 100000 bytes') })
})

test.each([
  ['/no/such/file', 'absent'],
  [folder, 'failed'],
  ['/proc/self/mountinfo', 'ok'],
])('reading %s is %s', async (path, status) => {
  expect((await system.readText(path)).status).toBe(status)
})

test('a file beyond the maximum is a failure, not a cut text', async () => {
  writeFileSync(join(folder, 'large'), 'x'.repeat(5000))
  expect((await system.readText(join(folder, 'large'), { maximumBytes: 4999 })).status).toBe('failed')
})

test('a missing socket, a plain file and a stale socket are told apart', async () => {
  const stale = join(folder, 'stale.sock')
  const server = createServer()
  await new Promise<void>((done) => void server.listen(stale, done))
  const live = await system.connect(stale, { timeoutMs: 1000 })
  expect(live.status).toBe('ok')
  if (live.status === 'ok') live.value.destroy()
  await new Promise((done) => void server.close(done))
  writeFileSync(join(folder, 'plain.sock'), '')
  expect(await system.connect(join(folder, 'none.sock'), { timeoutMs: 1000 })).toMatchObject({ status: 'absent' })
  expect(await system.connect(join(folder, 'plain.sock'), { timeoutMs: 1000 })).toMatchObject({
    reason: expect.stringContaining('not a socket'),
  })
})

test('a socket whose listener was killed is a "no": nobody listens', async () => {
  const path = join(folder, 'killed.sock')
  const script = 'require("net").createServer().listen(process.argv[1], () => console.log("listening"))'
  const listener = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(listener.stdout, 'data')
  listener.kill('SIGKILL')
  await once(listener, 'exit')
  expect(await system.connect(path, { timeoutMs: 1000 })).toMatchObject({
    status: 'absent',
    reason: expect.stringContaining('nobody listens'),
  })
})

test('probing this host answers every fact and leaves nothing in the temporary folder', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tmp.'))
  const host = await probeHost(system)
  expect(host.cgroup.layout.status).toBe('known')
  expect(host.system.kernelRelease.status).toBe('known')
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('tmp.'))).toEqual(before)
})

test.each([
  ['in its name', { file: 'ec\0ho', arguments: [] }],
  ['in a word', { file: 'echo', arguments: ['a\0b'] }],
])('a command with a zero %s is refused, and nothing is thrown', async (_, command) => {
  const answer = await createLocalSystem().run({ ...command, timeoutMs: 1000 })
  expect(answer).toMatchObject({ status: 'failed', reason: expect.stringContaining('a word holds a zero') })
})

test('a file answers although this process was busy for longer than a file system may take', async () => {
  const path = join(folder, 'file-while-busy')
  writeFileSync(path, 'text')
  const reading = system.readText(path)
  const until = performance.now() + 2500
  while (performance.now() < until);
  expect(await reading).toEqual({ status: 'ok', value: 'text' })
})

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { collectBytes, collectProcess } from './collect.ts'

const MEGABYTE = 1024 * 1024
const LONG_MS = 120_000

/** Bytes that no codec would keep by chance. */
function oddBytes(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 2_654_435_761) >>> 24))
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Every byte value, as printf(1) of a shell writes them. */
const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')

/** The streams of a container's own command, and of commands inside. */
export const STREAMS = {
  'attach-nothing-lost': behaviour('attached before its start, nothing of the output is lost', async (bench) => {
    const container = await bench.create({ command: ['sh', '-c', 'echo first; echo second >&2; echo third'] })
    const process = await container.attach()
    const output = collectProcess(process)
    await container.start()
    const { stdout, stderr, exitCode } = await output
    expect([stdout.toString(), stderr.toString(), exitCode]).toEqual(['first\nthird\n', 'second\n', 0])
  }),
  'attach-exit-code': behaviour('an attached command tells its exit code', async (bench) => {
    const container = await bench.create({ command: ['sh', '-c', 'exit 11'] })
    const process = await container.attach()
    await container.start()
    expect((await collectProcess(process)).exitCode).toBe(11)
  }),
  'attach-stdin': behaviour(
    '8 MiB through stdin come back from stdout as they were',
    async (bench) => {
      const bytes = oddBytes(8 * MEGABYTE)
      const container = await bench.create({ command: ['cat'], stdin: true })
      const process = await container.attach()
      await container.start()
      const output = collectProcess(process)
      process.stdin.end(bytes)
      const { stdout, exitCode } = await output
      expect([stdout.byteLength, digest(stdout), exitCode]).toEqual([bytes.byteLength, digest(bytes), 0])
    },
    { timeoutMs: LONG_MS },
  ),
  'attach-stdin-end': behaviour('the end of stdin reaches the command', async (bench) => {
    const container = await bench.create({ command: ['sh', '-c', 'wc -c; echo ended'], stdin: true })
    const process = await container.attach()
    await container.start()
    const output = collectProcess(process)
    process.stdin.write('12345')
    await sleep(300)
    process.stdin.end()
    expect((await output).stdout.toString().trim()).toMatch(/^5\s+ended$/u)
  }),
  'stdin-empty': behaviour('a command whose stdin was not asked for finds it empty', async (bench) => {
    expect(await bench.say('wc -c; echo ended')).toMatchObject({ exitCode: 0, stdout: '0\nended\n' })
  }),
  'stdout-binary': behaviour('every byte value comes through stdout as it was', async (bench) => {
    const container = await bench.create({ command: ['printf', EVERY_BYTE] })
    const process = await container.attach()
    await container.start()
    expect([...(await collectProcess(process)).stdout]).toEqual(Array.from({ length: 256 }, (_, byte) => byte))
  }),
  'stderr-binary': behaviour('every byte value comes through stderr as it was', async (bench) => {
    const process = await (await bench.shared()).open(['sh', '-c', `printf '${EVERY_BYTE}' >&2`])
    process.stdin.end()
    const { stdout, stderr } = await collectProcess(process)
    expect([...stderr]).toEqual(Array.from({ length: 256 }, (_, byte) => byte))
    expect(stdout.byteLength).toBe(0)
  }),
  'exec-stdin': behaviour(
    '8 MiB through stdin of a command inside come back as they were',
    async (bench) => {
      const bytes = oddBytes(8 * MEGABYTE)
      const process = await (await bench.shared()).open(['cat'])
      const output = collectProcess(process)
      process.stdin.end(bytes)
      const { stdout, exitCode } = await output
      expect([stdout.byteLength, digest(stdout), exitCode]).toEqual([bytes.byteLength, digest(bytes), 0])
    },
    { timeoutMs: LONG_MS },
  ),
  'exec-input-stream': behaviour('a stream is the input of a command inside', async (bench) => {
    const input = Readable.from([Buffer.from('first '), Buffer.from('second')])
    expect(await (await bench.shared()).exec(['cat'], { input })).toEqual({ exitCode: 0, stdout: 'first second', stderr: '' })
  }),
  'exec-input-not-read': behaviour('a command that does not read its input ends all the same', async (bench) => {
    const input = Readable.from([oddBytes(4 * MEGABYTE)])
    expect(await (await bench.shared()).exec(['sh', '-c', 'exit 3'], { input })).toMatchObject({ exitCode: 3 })
  }),
  'exec-back-pressure': behaviour(
    'a reader that waits holds the command up, and loses nothing',
    async (bench) => {
      const container = await bench.shared()
      const done = `/tmp/${bench.name()}`
      const process = await container.open(['sh', '-c', `head -c ${64 * MEGABYTE} /dev/zero; touch ${done}`])
      process.stdin.end()
      await sleep(2500)
      expect((await container.exec(['test', '-e', done])).exitCode).toBe(1)
      let bytes = 0
      process.stdout.on('data', (chunk: Uint8Array) => void (bytes += chunk.byteLength))
      process.stderr.resume()
      await finished(process.stdout)
      expect([bytes, await process.ended]).toEqual([64 * MEGABYTE, 0])
    },
    { timeoutMs: LONG_MS },
  ),
  'exec-streams-together': behaviour('two full streams of a command do not block each other', async (bench) => {
    const script = 'head -c 2000000 /dev/zero & head -c 2000000 /dev/zero >&2 & wait'
    const process = await (await bench.shared()).open(['sh', '-c', script])
    process.stdin.end()
    const { stdout, stderr } = await collectProcess(process)
    expect([stdout.byteLength, stderr.byteLength]).toEqual([2_000_000, 2_000_000])
  }),
  'exec-late-output': behaviour('what a command writes comes while it runs', async (bench) => {
    const process = await (await bench.shared()).open(['sh', '-c', 'echo now; cat >/dev/null'])
    const [chunk] = await process.stdout.take(1).toArray()
    expect(String(chunk)).toBe('now\n')
    process.stdin.end()
    expect(await process.ended).toBe(0)
    await collectBytes(process.stderr)
  }),
}

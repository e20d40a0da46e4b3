import { createHash, randomBytes, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import type { EngineDriver } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FOREVER, openLiveDocker, readAll, type LiveDocker } from './docker-live.ts'
import { execOf } from './docker-plans.ts'

let docker: LiveDocker
let driver: EngineDriver

beforeAll(async () => {
  docker = await openLiveDocker()
  driver = docker.driver
})

afterAll(async () => {
  await docker[Symbol.asyncDispose]()
})

describe('streams', () => {
  const LOUD = 'echo out; echo err >&2; cat; exit 3'

  test('of a container: attached before its start, nothing is lost, and the end of stdin reaches the command', async () => {
    await using container = await docker.make({ command: ['sh', '-c', LOUD], stdin: true })
    const process = await driver.containers.attach(container.id, {})
    await driver.containers.start(container.id, {})
    process.stdin.end('in')
    expect(await readAll(process)).toEqual(['out\nin', 'err\n', 3])
  })

  test('of a command inside: the same', async () => {
    await using container = await docker.start()
    const process = await driver.containers.exec(container.id, execOf(['sh', '-c', LOUD], { stdin: true }), {})
    process.stdin.end('in')
    expect(await readAll(process)).toEqual(['out\nin', 'err\n', 3])
  })

  test.each([
    ['that closes its streams before its end', 'exec >&- 2>&-; sleep 0.4; exit 5', 5],
    ['that a signal ends', 'kill -9 $$', 137],
    ['that ends at once', 'exit 0', 0],
  ])('of a command %s: its exit code is its own', async (_, script, code) => {
    await using container = await docker.start()
    expect(await docker.exec(container.id, ['sh', '-c', script])).toEqual(['', '', code])
  })

  test.each([
    ['ends at once', ['true'], 0],
    ['reads a little', ['head', '-c', '5'], 5],
    ['reads a byte and writes much', ['sh', '-c', 'head -c 1 >/dev/null; head -c 3000000 /dev/zero'], 3_000_000],
  ])('are left unread by a command that %s: it ends, loses nothing, and what feeds it stops', async (_, command, outputBytes) => {
    await using container = await docker.start()
    const process = await driver.containers.exec(container.id, execOf(command, { stdin: true }), {})
    const endless = Readable.from(repeat(Buffer.alloc(65_536, 'A'), Number.POSITIVE_INFINITY))
    const feeding = Promise.allSettled([pipeline(endless, process.stdin)])
    // Its last bytes are still on their way when the engine resets the connection on which we write.
    await setTimeout(100)
    expect([(await text(process.stdout)).length, await process.ended]).toEqual([outputBytes, 0])
    expect(await feeding).toMatchObject([{ status: 'rejected', reason: { code: 'ERR_STREAM_PREMATURE_CLOSE' } }])
  })

  test('hold a command up that writes what nobody reads, and lose none of it', async () => {
    await using container = await docker.start()
    const script = 'yes | head -c 64000000; echo done >&2'
    const process = await driver.containers.exec(container.id, execOf(['sh', '-c', script]), {})
    const isDone = text(process.stderr)
    const early = await Promise.race([isDone, setTimeout(1000, 'held')])
    expect(early).toBe('held')
    expect(process.stdout.readableLength).toBeLessThan(1_000_000)
    let bytes = 0
    for await (const chunk of process.stdout) bytes += Buffer.byteLength(chunk)
    expect([bytes, await isDone, await process.ended]).toEqual([64_000_000, 'done\n', 0])
  })

  test.each(['attach', 'exec'] as const)('carry 64 MiB in and out by %s, the same bytes', async (way) => {
    const { containers } = driver
    await using container = await docker.make({ command: way === 'attach' ? ['cat'] : FOREVER, stdin: way === 'attach' })
    const attached = way === 'attach' ? await containers.attach(container.id, {}) : null
    await containers.start(container.id, {})
    const process = attached ?? (await containers.exec(container.id, execOf(['cat'], { stdin: true }), {}))
    const sent = createHash('sha256')
    const source = Readable.from(hashed(repeat(randomBytes(1024 * 1024), 64), sent))
    const received = createHash('sha256')
    let bytes = 0
    const [, exitCode] = await Promise.all([
      pipeline(source, process.stdin),
      process.ended,
      (async () => {
        for await (const chunk of process.stdout) {
          received.update(chunk)
          bytes += Buffer.byteLength(chunk)
        }
      })(),
    ])
    expect([bytes, received.digest('hex'), exitCode]).toEqual([64 * 1024 * 1024, sent.digest('hex'), 0])
  })

  test('of a terminal come as one, with the size that it was given', async () => {
    await using container = await docker.start()
    const command = ['sh', '-c', 'read line; stty size; echo err >&2']
    const process = await driver.containers.exec(container.id, execOf(command, { terminal: true, stdin: true }), {})
    await process.resize({ columns: 101, rows: 31 })
    process.stdin.write('go\n')
    const [stdout, stderr, exitCode] = await readAll(process)
    expect([stdout.split('\r\n').slice(1), stderr, exitCode]).toEqual([['31 101', 'err', ''], '', 0])
  })

  test.each(['0', '1000'])(
    'end when the signal of the caller fires, with the command of user %s and its children',
    async (user) => {
      await using container = await docker.start()
      const stop = new AbortController()
      const command = ['sh', '-c', 'sleep 4321 & sleep 4321; true']
      const process = await driver.containers.exec(container.id, execOf(command, { user }), { signal: stop.signal })
      stop.abort()
      await expect(process.ended).rejects.toMatchObject({ code: 'ABORTED' })
      const [left] = await docker.exec(container.id, [
        'sh',
        '-c',
        'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "sleep 432[1]"',
      ])
      expect(left).toBe('0\n')
      expect(await driver.containers.inspect(container.id, {})).toMatchObject({ status: 'running' })
    },
  )

  test('are never opened by a command whose caller gave up while it was started, and it does not go on', async () => {
    await using container = await docker.start()
    const signal = AbortSignal.timeout(25)
    await expect(
      driver.containers.exec(container.id, execOf(['sleep', '5432']), { signal }).then(({ ended }) => ended),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    const [left] = await docker.exec(container.id, [
      'sh',
      '-c',
      'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "sleep 543[2]"',
    ])
    expect(left).toBe('0\n')
  })
})

function* repeat(bytes: Buffer, times: number): Generator<Buffer> {
  for (let count = 0; count < times; count += 1) yield bytes
}

function* hashed(chunks: Iterable<Buffer>, hash: Hash): Generator<Buffer> {
  for (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}

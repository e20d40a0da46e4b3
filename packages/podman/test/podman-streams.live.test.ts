import { createHash, randomBytes, type Hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { EngineDriver } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLivePodman, readAll, type LivePodman } from './podman-live.ts'
import { execOf } from './podman-plans.ts'

let podman: LivePodman
let driver: EngineDriver

beforeAll(async () => {
  podman = await openLivePodman()
  driver = podman.driver
})

afterAll(async () => {
  await podman[Symbol.asyncDispose]()
})

describe('streams', () => {
  const LOUD = 'echo out; echo err >&2; cat; exit 3'

  test('of a container: attached before its start, nothing is lost, and the end of stdin reaches the command', async () => {
    await using container = await podman.make({ command: ['sh', '-c', LOUD], stdin: true })
    const process = await driver.containers.attach(container.id, {})
    await driver.containers.start(container.id, {})
    process.stdin.end('in')
    expect(await readAll(process)).toEqual(['out\nin', 'err\n', 3])
  })

  test('of a command inside: the same', async () => {
    await using container = await podman.start()
    const process = await driver.containers.exec(container.id, execOf(['sh', '-c', LOUD], { stdin: true }), {})
    process.stdin.end('in')
    expect(await readAll(process)).toEqual(['out\nin', 'err\n', 3])
  })

  test('of a container without stdin end', async () => {
    await using container = await podman.make({ command: ['sh', '-c', LOUD] })
    const process = await driver.containers.attach(container.id, {})
    await driver.containers.start(container.id, {})
    expect(await readAll(process)).toEqual(['out\n', 'err\n', 3])
  })

  test('hold the two bytes by which Podman detaches a person, one by one', async () => {
    await using attached = await podman.make({ command: ['od', '-An', '-tx1'], stdin: true })
    const own = await driver.containers.attach(attached.id, {})
    await driver.containers.start(attached.id, {})
    await using container = await podman.start()
    const beside = await driver.containers.exec(container.id, execOf(['od', '-An', '-tx1'], { stdin: true }), {})
    for (const { stdin } of [own, beside]) {
      for (const byte of [0x10, 0x11]) {
        stdin.write(Uint8Array.of(byte))
        await pause(100)
      }
      stdin.end('!')
    }
    expect((await Promise.all([readAll(own), readAll(beside)])).map(([stdout]) => stdout.trim())).toEqual([
      '10 11 21',
      '10 11 21',
    ])
  })

  test.each([
    ['that closes its streams before its end', 'exec >&- 2>&-; sleep 0.4; exit 5', 5],
    ['that a signal ends', 'kill -9 $$', 137],
    ['that leaves another one behind', 'sleep 30 & exit 6', 6],
  ])('of a command %s: its exit code is its own', async (_, script, code) => {
    await using container = await podman.start()
    expect(await podman.exec(container.id, ['sh', '-c', script])).toEqual(['', '', code])
  })

  test('carry 64 MiB in and out again, byte for byte', { timeout: 120_000 }, async () => {
    await using container = await podman.start()
    const process = await driver.containers.exec(container.id, execOf(['cat'], { stdin: true }), {})
    const [sent, received] = [createHash('sha256'), createHash('sha256')]
    const bytes = randomBytes(65_536)
    await Promise.all([
      pipeline(Readable.from(repeat(bytes, 1024, sent)), process.stdin),
      pipeline(process.stdout, received),
      process.ended,
    ])
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  test('hold a command up that writes what nobody reads, and lose none of it', { timeout: 120_000 }, async () => {
    await using container = await podman.start()
    const script = 'yes | head -c 64000000; echo done >&2'
    const process = await driver.containers.exec(container.id, execOf(['sh', '-c', script]), {})
    process.stderr.once('data', () => (isDone = true))
    let isDone = false
    await pause(1500)
    expect(isDone).toBe(false)
    let bytes = 0
    process.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length))
    expect(await process.ended).toBe(0)
    expect(bytes).toBe(64_000_000)
  })

  test('of a terminal are one, and it has the size that it is given', async () => {
    await using container = await podman.make({
      command: ['sh', '-c', 'read -r go; stty size; exit 7'],
      terminal: true,
      stdin: true,
    })
    const process = await driver.containers.attach(container.id, {})
    await driver.containers.start(container.id, {})
    await process.resize({ columns: 101, rows: 33 })
    process.stdin.write('go\n')
    const [stdout, stderr, code] = await readAll(process)
    expect([stdout.includes('33 101'), stderr, code]).toEqual([true, '', 7])
  })
})

function* repeat(bytes: Buffer, times: number, hash: Hash): Generator<Buffer> {
  for (let index = 0; index < times; index += 1) {
    bytes.writeUInt32LE(index)
    const copy = Buffer.from(bytes)
    hash.update(copy)
    yield copy
  }
}

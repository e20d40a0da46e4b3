import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineDriver } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { answerJson, openFakeDriver, startFakeService, type FakeAnswer } from './fake-service.ts'
import { execOf, PLAN } from './podman-plans.ts'

const CALLS: readonly (readonly [string, (driver: EngineDriver) => Promise<unknown>])[] = [
  ['inspect', ({ containers }) => containers.inspect('a', {})],
  ['list', ({ containers }) => containers.list({}, {})],
  ['create', ({ containers }) => containers.create(PLAN, {})],
  ['start', ({ containers }) => containers.start('a', {})],
  ['attach', ({ containers }) => containers.attach('a', {})],
  ['exec', ({ containers }) => containers.exec('a', execOf(['true']), {})],
  ['kill', ({ containers }) => containers.kill('a', 'SIGKILL', {})],
  ['remove', ({ containers }) => containers.remove('a', {})],
  ['copyIn', ({ containers }) => containers.copyIn('a', endless(), '/', {})],
  ['copyOut', ({ containers }) => containers.copyOut('a', '/', {})],
  ['images', ({ images }) => images.list()],
  ['networks', ({ networks }) => networks.list()],
  ['volumes', ({ volumes }) => volumes.list()],
]

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(512)
}

describe.each(CALLS)('%s', (_, ask) => {
  test.each<[string, FakeAnswer]>([
    ['hangs up', (_request, socket) => socket.end()],
    ['breaks off', (_request, socket) => socket.destroy()],
    ['hangs up within its answer', (_request, socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Id":')],
  ])('of a service that %s is ENGINE_GONE, at once', async (_name, answer) => {
    await using service = await startFakeService(answer, 60_000)
    const started = performance.now()
    await expect(ask(service.driver).then(readToEnd)).rejects.toMatchObject({ code: 'ENGINE_GONE', engine: 'podman' })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('of a service that hangs is ENGINE_TIMEOUT, when the time is over', async () => {
    await using service = await startFakeService((_request, socket) => void socket.pause(), 300)
    const started = performance.now()
    await expect(ask(service.driver)).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT', engine: 'podman' })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('of something that speaks no HTTP is never an answer', async () => {
    await using service = await startFakeService((_request, socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    await expect(ask(service.driver)).rejects.toMatchObject({
      code: expect.stringMatching(/^ENGINE_(?:GONE|OUTPUT_UNREADABLE)$/u),
    })
  })
})

/** A stream that was given is read, since what breaks off may have begun well. */
async function readToEnd(given: unknown): Promise<void> {
  if (typeof given === 'object' && given !== null && Symbol.asyncIterator in given) {
    for await (const piece of given as AsyncIterable<unknown>) void piece
  }
}

test.each<[string, string]>([
  ['no JSON', '<html>'],
  ['JSON of something else', '{"error":"no"}'],
  ['nothing', ''],
])('an answer that is %s is ENGINE_OUTPUT_UNREADABLE', async (_, text) => {
  const answer: FakeAnswer = (_request, socket) =>
    void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
  await using service = await startFakeService(answer)
  await expect(service.driver.containers.inspect('a', {})).rejects.toMatchObject({ code: 'ENGINE_OUTPUT_UNREADABLE' })
})

test("what a service refuses without Podman's JSON speaks for itself", async () => {
  await using service = await startFakeService(
    (_request, socket) => void socket.write('HTTP/1.1 404 X\r\nContent-Length: 10\r\n\r\nNot Found\n'),
  )
  await expect(service.driver.containers.start('a', {})).rejects.toMatchObject({ code: 'ENGINE_REFUSED', evidence: 'Not Found' })
})

test("the caller's signal ends a question at once, and one that had fired asks nothing", async () => {
  await using service = await startFakeService(() => undefined, 60_000)
  const waiting = service.driver.containers.wait('a', { signal: AbortSignal.timeout(200) })
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  const asked = service.requests.length
  await expect(service.driver.containers.wait('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  expect(service.requests.length).toBe(asked)
})

test('a command whose service dies is not said to have ended', async () => {
  await using service = await startFakeService((request, socket) => {
    if (request.includes('/start')) socket.write('HTTP/1.1 101 UPGRADED\r\n\r\n\u0001\0\0\0\0\0\0\u0002hi')
    else answerJson(socket, { Id: 'session', Running: false, ExitCode: 0 })
  })
  const process = await service.driver.containers.exec('a', execOf(['true']), {})
  process.stdout.once('data', () => service.die())
  await expect(process.ended).rejects.toMatchObject({ code: 'ENGINE_GONE' })
})

test('a command whose output was cut within a frame is not said to have ended', async () => {
  await using service = await startFakeService((request, socket) => {
    if (request.includes('/start')) socket.end('HTTP/1.1 101 UPGRADED\r\n\r\n\u0001\0\0\0\0\0\0\u0009hi')
    else answerJson(socket, { Id: 'session', Running: false, ExitCode: 0 })
  })
  const process = await service.driver.containers.exec('a', execOf(['true']), {})
  process.stdout.resume()
  await expect(process.ended).rejects.toMatchObject({ code: 'ENGINE_GONE' })
})

test('a pull that fails says so in an answer that says 200', async () => {
  const lines = '{"stream":"Trying to pull a...\\n"}\n{"error":"initializing source docker://a: manifest unknown"}\n'
  await using service = await startFakeService(
    (_request, socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${lines.length}\r\n\r\n${lines}`),
  )
  await expect(service.driver.images.pull('a')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
})

test('without a service, and without a Podman to start, it is ENGINE_UNAVAILABLE', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-runtime-fake-'))
  try {
    const driver = await openFakeDriver(folder, 5000)
    await expect(driver.containers.list({}, {})).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE', engine: 'podman' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

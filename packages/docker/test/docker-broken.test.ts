import type { Socket } from 'node:net'
import type { EngineDriver, RootlessError } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { execOf, openDriver, PLAN } from './docker-plans.ts'
import { answerJson, startFakeDaemon, type FakeAnswer } from './fake-daemon.ts'

/** Answers whether it is there, as Docker does, and then does what it is told. */
function withPing(answer: FakeAnswer): FakeAnswer {
  return (request, socket) => (request.includes('/_ping') ? answerJson(socket, 'OK') : answer(request, socket))
}

const HANG_UP: Readonly<Record<string, (socket: Socket) => void>> = {
  'before it answers': (socket) => socket.destroy(),
  'in the head': (socket) => socket.end('HTTP/1.1 200 OK\r\nConte'),
  'in a body with a length': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Id"'),
  'between two chunks': (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Id"\r\n'),
}

const CALLS: Readonly<Record<string, (driver: EngineDriver) => Promise<unknown>>> = {
  inspect: ({ containers }) => containers.inspect('web', {}),
  list: ({ containers }) => containers.list({}, {}),
  create: ({ containers }) => containers.create(PLAN, {}),
  start: ({ containers }) => containers.start('web', {}),
  remove: ({ containers }) => containers.remove('web', {}),
  images: ({ images }) => images.list(),
  networks: ({ networks }) => networks.list(),
}

describe.each(Object.entries(HANG_UP))('a daemon that hangs up %s', (_, hangUp) => {
  test.each(Object.entries(CALLS))('makes %s end with ENGINE_GONE', async (_name, call) => {
    await using daemon = await startFakeDaemon(withPing((_request, socket) => hangUp(socket)))
    await expect(call(await openDriver(daemon.socketPath, 5000))).rejects.toMatchObject({ code: 'ENGINE_GONE', engine: 'docker' })
  })
})

describe('a daemon that hangs', () => {
  const nothing = (): void => undefined

  test.each(Object.entries(CALLS))('makes %s end with ENGINE_TIMEOUT when it never answers', async (_, call) => {
    await using daemon = await startFakeDaemon(nothing)
    const beganMs = performance.now()
    await expect(call(await openDriver(daemon.socketPath, 200))).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' })
    expect(performance.now() - beganMs).toBeLessThan(3000)
  })

  test('is told from one that works: what takes long is waited for while it answers beside it', async () => {
    await using daemon = await startFakeDaemon(
      withPing((_, socket) => setTimeout(() => socket.write('HTTP/1.1 204 No Content\r\n\r\n'), 1000)),
    )
    const { containers } = await openDriver(daemon.socketPath, 200)
    await expect(containers.start('web', {})).resolves.toBeUndefined()
    expect(daemon.requests.filter((request) => request.includes('/_ping')).length).toBeGreaterThan(2)
  })

  test('in the middle of work ends it with ENGINE_TIMEOUT', async () => {
    let pings = 0
    await using daemon = await startFakeDaemon((request, socket) => {
      if (request.includes('/_ping') && (pings += 1) < 3) answerJson(socket, 'OK')
    })
    const { containers } = await openDriver(daemon.socketPath, 100)
    await expect(containers.start('web', {})).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' })
    expect(pings).toBe(3)
  })
})

test('nobody who listens is ENGINE_UNAVAILABLE', async () => {
  const daemon = await startFakeDaemon(() => undefined)
  await daemon[Symbol.asyncDispose]()
  const { containers } = await openDriver(daemon.socketPath, 1000)
  await expect(containers.inspect('web', {})).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
})

test('a signal ends a question, and one that has fired begins none', async () => {
  await using daemon = await startFakeDaemon(withPing(() => undefined))
  const { containers } = await openDriver(daemon.socketPath, 5000)
  await expect(containers.inspect('web', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'ABORTED' })
  const asked = daemon.requests.length
  await expect(containers.start('web', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
  expect(daemon.requests).toHaveLength(asked)
})

test('the version is asked once, and is the one that the engine speaks', async () => {
  await using daemon = await startFakeDaemon(withPing((_, socket) => answerJson(socket, [])))
  const { networks } = await openDriver(daemon.socketPath, 1000)
  for (let round = 0; round < 3; round += 1) await networks.list()
  expect(daemon.requests).toEqual(['GET /_ping HTTP/1.1', ...Array.from({ length: 3 }, () => 'GET /v1.41/networks HTTP/1.1')])
})

test.each([
  ['no JSON', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')],
  ['the JSON of something else', (socket: Socket) => answerJson(socket, { Id: 7 })],
  ['another protocol', (socket: Socket) => socket.write('220 mail ESMTP\r\n\r\n')],
])('%s is ENGINE_OUTPUT_UNREADABLE', async (_, answer) => {
  await using daemon = await startFakeDaemon(withPing((_request, socket) => void answer(socket)))
  const { containers } = await openDriver(daemon.socketPath, 1000)
  await expect(containers.inspect('web', {})).rejects.toMatchObject({ code: 'ENGINE_OUTPUT_UNREADABLE' })
})

describe('a stream of a command', () => {
  const frame = (stream: number, text: string, lengthBytes = text.length): Buffer => {
    const header = Buffer.alloc(8)
    header.writeUInt8(stream, 0)
    header.writeUInt32BE(lengthBytes, 4)
    return Buffer.concat([header, Buffer.from(text)])
  }
  const UPGRADED = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n'
  const serveExec = (start: (socket: Socket) => void, inspect: (socket: Socket) => void): FakeAnswer =>
    withPing((request, socket) => {
      if (request.includes('/containers/')) answerJson(socket, { Id: 'abc' }, 201)
      else if (request.startsWith('POST /v1.41/exec/')) start(socket)
      else if (request.startsWith('GET /v1.41/exec/')) inspect(socket)
    })
  const collect = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    const parts: Buffer[] = []
    for await (const part of stream) parts.push(part)
    return Buffer.concat(parts).toString()
  }

  test('that was cut in a frame ends with ENGINE_GONE, on the stream and at its end', async () => {
    const start = (socket: Socket): void => {
      socket.write(UPGRADED)
      socket.end(frame(1, 'half', 100))
    }
    const running = (socket: Socket): void => answerJson(socket, { Running: true, ExitCode: null, Pid: 7 })
    await using daemon = await startFakeDaemon(serveExec(start, running))
    const { containers } = await openDriver(daemon.socketPath, 1000)
    const process = await containers.exec('web', execOf(['x']), {})
    await expect(process.ended).rejects.toMatchObject({ code: 'ENGINE_GONE' })
    await expect(collect(process.stdout)).rejects.toMatchObject({ code: 'ENGINE_GONE' })
  })

  test('whose daemon is gone when its end is asked for ends with ENGINE_GONE', async () => {
    let asked = 0
    const inspect = (socket: Socket): void => {
      asked += 1
      if (asked === 1) answerJson(socket, { Running: true, ExitCode: null, Pid: 7 })
      else socket.destroy()
    }
    const start = (socket: Socket): void => {
      socket.write(UPGRADED)
      socket.end(frame(1, 'whole'))
    }
    await using daemon = await startFakeDaemon(serveExec(start, inspect))
    const { containers } = await openDriver(daemon.socketPath, 1000)
    const process = await containers.exec('web', execOf(['x']), {})
    expect(await collect(process.stdout)).toBe('whole')
    const error: RootlessError = await process.ended.then(
      () => expect.unreachable(),
      (reason: RootlessError) => reason,
    )
    expect(error.code).toBe('ENGINE_GONE')
  })

  test('that is no frames is ENGINE_OUTPUT_UNREADABLE', async () => {
    const start = (socket: Socket): void => void socket.write(`${UPGRADED}this is no frame at all`)
    const running = (socket: Socket): void => answerJson(socket, { Running: true, ExitCode: null, Pid: 7 })
    await using daemon = await startFakeDaemon(serveExec(start, running))
    const { containers } = await openDriver(daemon.socketPath, 1000)
    await expect(containers.exec('web', execOf(['x']), {}).then(({ ended }) => ended)).rejects.toMatchObject({
      code: 'ENGINE_OUTPUT_UNREADABLE',
    })
  })
})

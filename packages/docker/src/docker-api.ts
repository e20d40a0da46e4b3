import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Answer, System } from '@rootless-runtime/core'
import { describeBroken } from './docker-errors.ts'

// An `import` of node:http makes all of its exports, WebSocket among them, and that costs 20 ms (Node 24).
const http = process.getBuiltinModule('node:http')

/** 20.10 answers GET /info with 3 KB. */
const MAXIMUM_BODY_BYTES = 4 * 1024 * 1024

export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** What we need of whatever speaks HTTP behind a unix socket: the daemon, and RootlessKit. */
export interface SocketApi {
  get(path: string): Promise<Answer<HttpAnswer>>
}

type Dial = (path: string, signal: AbortSignal) => Promise<IncomingMessage>

/**
 * Opens a socket through the door of `system`. Absence and denial are told apart here, before anything is loaded: most sockets
 * that are looked for are not there.
 */
export async function openSocketApi(system: System, socketPath: string, timeoutMs: number): Promise<Answer<SocketApi>> {
  const first = await system.connect(socketPath, { timeoutMs })
  if (first.status !== 'ok') return { ...first, reason: first.reason.replace(`${socketPath}: `, '') }
  let waiting: Duplex | undefined = first.value
  const connect = async (): Promise<Duplex> => {
    const stream = waiting
    waiting = undefined
    if (stream !== undefined) return stream
    const again = await system.connect(socketPath, { timeoutMs })
    if (again.status !== 'ok') throw new Error(again.reason)
    return again.value
  }
  const dial = await createDial(connect, first.value)
  return { status: 'ok', value: { get: (path) => get(dial, path, timeoutMs) } }
}

async function get(dial: Dial, path: string, timeoutMs: number): Promise<Answer<HttpAnswer>> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const message = await dial(path, signal)
    const body = await readBody(message, signal)
    if (body === null) return { status: 'failed', reason: `GET ${path}: more than ${MAXIMUM_BODY_BYTES / 1024 ** 2} MiB` }
    return { status: 'ok', value: { statusCode: message.statusCode ?? 0, headers: message.headers, body } }
  } catch (error) {
    return { status: 'failed', reason: `GET ${path}: ${describeBroken(error)}` }
  }
}

/** The body as text; `null` when it is too long. */
async function readBody(message: IncomingMessage, signal: AbortSignal): Promise<string | null> {
  const stop = (): void => void message.destroy(new DOMException('no answer', 'TimeoutError'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of message) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.length
      if (bytes > MAXIMUM_BODY_BYTES) return null
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    signal.removeEventListener('abort', stop)
    message.destroy()
  }
}

// docker-modem turns a status that it does not expect into an error, and reads the body for it without a limit.
const EVERY_STATUS = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [index + 100, true]))

async function createDial(connect: () => Promise<Duplex>, first: Duplex): Promise<Dial> {
  const { default: Docker } = await import('dockerode')
  const agent = new http.Agent({ keepAlive: false })
  agent.createConnection = (_, callback) => {
    connect().then(
      (stream) => callback?.(null, stream),
      (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), first),
    )
    return undefined
  }
  const options = { host: 'http://localhost', port: 80, protocol: 'http' as const, agent }
  const { modem } = withoutDockerHost(() => new Docker(options))
  return (path, abortSignal) =>
    new Promise((resolve, reject) => {
      modem.dial({ path, method: 'GET', isStream: true, statusCodes: EVERY_STATUS, abortSignal }, (error, result) => {
        if (error !== null) reject(error)
        else if (result instanceof http.IncomingMessage) resolve(result)
        else reject(new Error('no response'))
      })
    })
}

// docker-modem reads DOCKER_HOST and the certificates of DOCKER_CERT_PATH when it is made, and throws for what it cannot read.
// We tell it the socket ourselves; making it is synchronous, so nobody else sees the variable missing.
function withoutDockerHost<Value>(make: () => Value): Value {
  const { DOCKER_HOST: saved } = process.env
  delete process.env['DOCKER_HOST']
  try {
    return make()
  } finally {
    if (saved !== undefined) process.env['DOCKER_HOST'] = saved
  }
}

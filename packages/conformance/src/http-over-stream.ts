import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import { duplexPair, type Duplex } from 'node:stream'

const MAXIMUM_BODY_BYTES = 4 * 1024 * 1024

/** One end of a pipe in memory, with an HTTP server at the other. No socket of the machine is opened. */
export function serveOverPipe(listener: RequestListener, onClose: () => void = () => {}): Duplex {
  const [ours, theirs] = duplexPair()
  const server = createServer({ keepAlive: false }, listener)
  server.on('clientError', (_, socket) => socket.destroy())
  theirs.on('error', () => {})
  ours.on('error', () => {})
  const end = (): void => {
    theirs.destroy()
    ours.destroy()
    onClose()
  }
  ours.once('close', end)
  theirs.once('close', end)
  server.emit('connection', theirs)
  return ours
}

export interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Asks over a stream that is open already. */
export async function askOverStream(stream: Duplex, incoming: IncomingMessage): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const outgoing = request(
    { method: incoming.method, path: incoming.url, headers: incoming.headers, createConnection: () => stream },
    resolve,
  )
  outgoing.once('error', reject)
  incoming.pipe(outgoing)
  const message = await promise
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message) {
    if (!Buffer.isBuffer(chunk)) continue
    bytes += chunk.length
    if (bytes > MAXIMUM_BODY_BYTES) throw new Error(`an answer of more than ${MAXIMUM_BODY_BYTES} bytes is not recorded`)
    chunks.push(chunk)
  }
  return {
    statusCode: message.statusCode ?? 0,
    headers: keepHeaders(message.headers),
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

// Those that say who answers and what; the others differ at each call.
const KEPT_HEADERS: ReadonlySet<string> = new Set([
  'api-version',
  'content-type',
  'docker-experimental',
  'libpod-api-version',
  'ostype',
  'server',
])

function keepHeaders(headers: IncomingMessage['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      KEPT_HEADERS.has(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

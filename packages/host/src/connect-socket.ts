import { stat } from 'node:fs/promises'
import { connect, isIP, type NetConnectOpts, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { printable, type Answer } from '@rootless-runtime/core'
import { answerWithin, errorCode, failed, toErrorAnswer, type AnswerLimits } from './answer-within.ts'
import { toKind } from './read-file.ts'

/** sun_path of unix(7) has 108 bytes, the last one zero. */
const MAXIMUM_PATH_BYTES = 107

/** Connects to a unix socket. The stream ends by itself only when `limits.signal` fires. */
export async function connectSocket(path: string, limits: AnswerLimits): Promise<Answer<Duplex>> {
  const shown = printable(path)
  const bytes = Buffer.byteLength(path)
  if (!path.startsWith('/')) return failed(`${shown} is not an absolute path`)
  if (bytes > MAXIMUM_PATH_BYTES) {
    return failed(`${shown} has ${bytes} bytes; the path of a unix socket has at most ${MAXIMUM_PATH_BYTES}`)
  }
  return await answerWithin(path, limits, (stop) => openSocket({ path }, path, stop, limits.signal))
}

/** Connects to a TCP port of a numeric address. The stream ends by itself only when `limits.signal` fires. */
export async function connectTcp(
  { address, port }: { readonly address: string; readonly port: number },
  limits: AnswerLimits,
): Promise<Answer<Duplex>> {
  const shown = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  if (isIP(address) === 0) return failed(`${printable(address)} is not a numeric address`)
  return await answerWithin(shown, limits, (stop) => openSocket({ host: address, port }, shown, stop, limits.signal))
}

async function openSocket(
  target: NetConnectOpts,
  path: string,
  stop: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<Answer<Duplex>> {
  const opened = Promise.withResolvers<Answer<Duplex>>()
  const socket = connect(target)
  // Stays for the life of the socket: a reset that nobody listens to must not end the process.
  socket.on('error', (error) => opened.resolve(toConnectAnswer(path, error)))
  socket.once('connect', () => opened.resolve({ status: 'ok', value: socket }))
  const onStop = (): void => {
    socket.destroy()
    opened.resolve(failed(`${printable(path)} did not accept a connection in time`))
  }
  stop.addEventListener('abort', onStop, { once: true })
  const answer = await opened.promise
  stop.removeEventListener('abort', onStop)
  if (answer.status === 'ok') destroyOnAbort(socket, signal)
  else socket.destroy()
  return answer
}

function destroyOnAbort(socket: Socket, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const onAbort = (): void => void socket.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', onAbort))
}

async function toConnectAnswer(path: string, error: unknown): Promise<Answer<never>> {
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return explainRefusal(path)
    case 'EAGAIN':
      return failed(`${printable(path)}: its queue of connections is full; whoever listens accepts none`)
    case 'EPROTOTYPE':
      return failed(`${printable(path)} is a socket of another type than SOCK_STREAM`)
    default:
      return toErrorAnswer(path, error)
  }
}

// connect(2) refuses a plain file and a socket without listener by the same errno. Nobody listening is a "no": whoever did has died.
async function explainRefusal(path: string): Promise<Answer<never>> {
  if (!path.startsWith('/')) return { status: 'absent', reason: `${path} refused the connection: nobody listens` }
  try {
    const kind = toKind(await stat(path))
    return kind === 'socket'
      ? { status: 'absent', reason: `${printable(path)} refused the connection: nobody listens (stale socket)` }
      : failed(`${printable(path)} is a ${kind}, not a socket`)
  } catch {
    return failed(`${printable(path)} refused the connection and cannot be looked at`)
  }
}

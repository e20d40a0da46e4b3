import type { Duplex } from 'node:stream'
import { printable, type Place, type System } from '@rootless-runtime/core'
import type { Client } from 'undici'

/**
 * Whose socket it is does not decide about Podman: nobody waits long for it. Podman 3.0.1 leaves the request that started it by
 * socket activation without an answer, three times of five, whoever sent it (seen with a plain client).
 */
const MAXIMUM_MS = 5000

/** Asks whatever listens on a socket who it is: `HEAD /_ping`, by its headers and never by the socket's name. */
export async function askSocket(system: System, name: string, path: string, longestMs: number): Promise<Place> {
  const timeoutMs = Math.min(longestMs, MAXIMUM_MS)
  const connection = await system.connect(path, { timeoutMs })
  if (connection.status !== 'ok') {
    const verdict = connection.status === 'absent' ? 'absent' : connection.status === 'denied' ? 'unusable' : 'unknown'
    return { place: name, answer: printable(connection.reason.replace(`${path}: `, '')), verdict }
  }
  const client = await createClient(connection.value, timeoutMs)
  try {
    const { headers } = await client.request({ method: 'HEAD', path: '/_ping', signal: AbortSignal.timeout(timeoutMs) })
    return toPlace(name, headers)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { place: name, answer: `no answer to HEAD /_ping: ${printable(reason)}`, verdict: 'unknown' }
  } finally {
    connection.value.destroy()
    await client.destroy()
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

function toPlace(name: string, headers: Headers): Place {
  const podman = headers['libpod-api-version']
  if (typeof podman === 'string') return { place: name, answer: `Podman ${printable(podman, 40)}`, verdict: 'usable' }
  const server = headers['server']
  const who = typeof server === 'string' ? printable(server, 60) : 'something that does not say what it is'
  return { place: name, answer: `${who} answers, not Podman`, verdict: 'other-engine' }
}

/** undici on a stream that is open already. It is loaded here: most hosts have no Podman socket. */
async function createClient(stream: Duplex, timeoutMs: number): Promise<Client> {
  // By its default export: in a bundle, a CommonJS module that is loaded late has no other.
  const { default: undici } = await import('undici')
  let waiting: Duplex | undefined = stream
  return new undici.Client('http://podman', {
    // Once: after a hang-up without an answer undici asks for another, and with the dead one it would do so for ever.
    // Not at once: undici 7.30 overlooks a connection that is there before it has begun to wait for it, and then waits for ever.
    connect: (_, callback) => {
      const given = waiting
      waiting = undefined
      if (given === undefined) process.nextTick(callback, new Error('it hung up without an answer'), null)
      else process.nextTick(callback, null, toSocket(given))
    },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 16_384,
  })
}

/**
 * undici calls four methods of net.Socket that a plain Duplex does not have; none of them means anything there. Those of a real
 * socket stay: by them undici lets an idle connection hold no process up.
 */
export function toSocket(stream: Duplex): never {
  const nothing = (): Duplex => stream
  const missing = ['ref', 'unref', 'setKeepAlive', 'setNoDelay'].filter((name) => !(name in stream))
  return Object.assign(stream, Object.fromEntries(missing.map((name) => [name, nothing]))) as never
}

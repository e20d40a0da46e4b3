import { printable, type Place, type System } from '@rootless-runtime/core'
import { createTextSink, exchange } from '@rootless-runtime/core/http'
import { PODMAN_HTTP } from './podman-errors.ts'

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
  const release = (): void => void connection.value.destroy()
  const limits = { timeoutMs, until: 'end', signal: undefined } as const
  const ends = { engine: PODMAN_HTTP, sink: createTextSink(0).sink, release }
  try {
    const { head } = await exchange(connection.value, { method: 'HEAD', path: '/_ping' }, limits, ends)
    return toPlace(name, head.headers)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { place: name, answer: `no answer to HEAD /_ping: ${printable(reason)}`, verdict: 'unknown' }
  } finally {
    release()
  }
}

function toPlace(name: string, headers: ReadonlyMap<string, string>): Place {
  const podman = headers.get('libpod-api-version')
  if (podman !== undefined) return { place: name, answer: `Podman ${printable(podman, 40)}`, verdict: 'usable' }
  const server = headers.get('server')
  const who = server === undefined ? 'something that does not say what it is' : printable(server, 60)
  return { place: name, answer: `${who} answers, not Podman`, verdict: 'other-engine' }
}

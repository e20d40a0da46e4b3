import type { Duplex } from 'node:stream'
import { RootlessError } from '@rootless-runtime/core'

/** What answered a request for a stream of its own. */
export interface UpgradeAnswer {
  readonly status: number
  /** What the service said instead of a stream; empty when it gave one. */
  readonly body: string
}

/** What a service may say before the stream begins. */
const MAXIMUM_HEAD_BYTES = 65_536

/**
 * Asks for a raw stream on a connection of its own, whose rest is the stream.
 *
 * Without a body the length is 0: Podman gives to the container's stdin whatever comes after the head (4.3.1, 5.4.2).
 */
export async function askUpgrade(connection: Duplex, path: string, body: string): Promise<UpgradeAnswer> {
  connection.write(
    [
      `POST ${path} HTTP/1.1`,
      'Host: podman',
      'Connection: Upgrade',
      'Upgrade: tcp',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
  const head = await readHead(connection)
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /u.exec(head)?.[1])
  if (!Number.isInteger(status)) throw unreadable(head)
  // Podman says 200 to a client that did not ask for an upgrade, and streams all the same.
  if (status === 101 || status === 200) return { status, body: '' }
  const length = Number(/^content-length: *(\d+)\r$/imu.exec(head)?.[1] ?? 0)
  if (length > MAXIMUM_HEAD_BYTES) throw unreadable(head)
  const said = length === 0 ? '' : (await readUntil(connection, (bytes) => (bytes.length >= length ? length : -1))).toString()
  return { status, body: said }
}

/** The head of an answer; what follows it stays in the connection. */
export async function readHead(connection: Duplex): Promise<string> {
  return (await readUntil(connection, endOfHead)).toString('latin1')
}

function endOfHead(bytes: Buffer): number {
  const end = bytes.indexOf('\r\n\r\n')
  return end === -1 ? -1 : end + 4
}

/** Reads up to where `find` says, and gives the rest back to the stream. */
async function readUntil(connection: Duplex, find: (bytes: Buffer) => number): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    const chunk: unknown = connection.read()
    if (chunk instanceof Uint8Array) bytes = Buffer.concat([bytes, chunk])
    const end = find(bytes)
    if (end !== -1) {
      if (bytes.length > end) connection.unshift(bytes.subarray(end))
      return bytes.subarray(0, end)
    }
    if (bytes.length > MAXIMUM_HEAD_BYTES) throw unreadable(bytes.toString('latin1'))
    if (connection.readableEnded || connection.destroyed) throw new Error('it hung up without an answer')
    if (chunk === null) await readable(connection)
  }
}

async function readable(connection: Duplex): Promise<void> {
  const waiting = Promise.withResolvers<void>()
  const settle = (): void => waiting.resolve()
  const fail = (error: Error): void => waiting.reject(error)
  connection.once('readable', settle).once('end', settle).once('close', settle).once('error', fail)
  try {
    await waiting.promise
  } finally {
    connection.off('readable', settle).off('end', settle).off('close', settle).off('error', fail)
  }
}

function unreadable(head: string): RootlessError {
  const evidence = JSON.stringify(head.slice(0, 80))
  return new RootlessError('ENGINE_OUTPUT_UNREADABLE', `Podman's socket answered no HTTP: ${evidence}`, {
    engine: 'podman',
    evidence,
  })
}

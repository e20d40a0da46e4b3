import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Something that listens where Docker would. */
export interface FakeDaemon extends AsyncDisposable {
  readonly socketPath: string
  /** First lines of the requests that came, as `GET /_ping HTTP/1.1`. */
  readonly requests: readonly string[]
}

/** What it does with the first line of a request. */
export type FakeAnswer = (request: string, socket: Socket) => void

/** An answer with a length. */
export function answerJson(socket: Socket, value: unknown, statusCode = 200): void {
  const text = JSON.stringify(value)
  socket.write(`HTTP/1.1 ${statusCode} OK\r\nApi-Version: 1.41\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}

/** A daemon that answers whether it is there, and does with everything else what it is told. */
export async function startFakeDaemon(answer: FakeAnswer): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-runtime-fake-'))
  const socketPath = join(folder, 'docker.sock')
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      const [line = ''] = chunk.toString('latin1').split('\r\n', 1)
      requests.push(line)
      answer(line, socket)
    })
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return {
    socketPath,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

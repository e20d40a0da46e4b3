import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { createFrameReader, encodeFrame, encodeMessage, type Frame } from '../lxc-frames.ts'
import type { SupervisorEvent } from '../lxc-messages.ts'

/** Whoever is connected. */
export interface Client {
  /** Whether it gets the command's streams. */
  isAttached: boolean
  /** Whether its end is the end of the command's stdin. */
  feedsStdin: boolean
  /** Whether it is told of the end. */
  waits: boolean
  tell(event: SupervisorEvent): void
  /** Resolves when it may be sent more: a client that does not read holds the command up. */
  send(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void>
  /** Reads no further until told: what the command does not take holds its feeder up. */
  pauseWhile(work: Promise<void>): void
  /** Resolves when everything was taken, or the client is gone. */
  finish(): Promise<void>
}

export interface ClientHandlers {
  readonly onCome: (client: Client) => void
  readonly onFrame: (client: Client, frame: Frame) => void
  readonly onGone: (client: Client) => void
}

/** Listens in the current folder, for this user alone: the folder lets others pass, so the socket does not. */
export async function listenForClients(path: string, handlers: ClientHandlers): Promise<{ close(): void }> {
  const server: Server = createServer((socket) => {
    const client = toClient(socket)
    const reader = createFrameReader()
    handlers.onCome(client)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) handlers.onFrame(client, frame)
      } catch {
        socket.destroy()
      }
    })
    // A client that goes away in the middle is no error of the container.
    socket.on('error', () => {})
    socket.once('close', () => {
      handlers.onGone(client)
    })
  })
  const mask = process.umask(0o177)
  server.listen(path)
  await once(server, 'listening')
  process.umask(mask)
  return { close: () => void server.close() }
}

function toClient(socket: Socket): Client {
  return {
    isAttached: false,
    feedsStdin: false,
    waits: false,
    tell: (event) => void (socket.writable && socket.write(encodeMessage(event))),
    send: async (stream, data) => {
      if (!socket.writable || socket.write(encodeFrame(stream, data))) return
      await until(socket, 'drain')
    },
    pauseWhile: (work) => {
      socket.pause()
      void work.finally(() => socket.resume())
    },
    finish: async () => {
      if (socket.destroyed) return
      socket.end()
      if (!socket.writableFinished) await until(socket, 'finish')
    },
  }
}

/** The event, or the end of the connection. */
function until(socket: Socket, event: 'drain' | 'finish'): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off(event, settle)
      socket.off('close', settle)
      resolve()
    }
    socket.on(event, settle)
    socket.on('close', settle)
    if (socket.destroyed) settle()
  })
}

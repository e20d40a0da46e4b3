import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalSystem } from '@rootless-runtime/host'
import { RootlessError, type EngineDriver, type Machine } from '@rootless-runtime/core'
import { openPodmanDriver } from '../src/podman-driver.ts'
import { createPodmanService } from '../src/podman-service.ts'

/** What it does with the first line of a request. */
export type FakeAnswer = (request: string, socket: Socket) => void

/** Something that listens where Podman would, and the driver that finds it there. */
export interface FakeService extends AsyncDisposable {
  readonly driver: EngineDriver
  readonly requests: readonly string[]
  /** Ends as a service does that is killed. */
  die(): void
}

/** A service that says it is Podman 4.3.1, and does with everything else what it is told. */
export async function startFakeService(answer: FakeAnswer, timeoutMs = 5000): Promise<FakeService> {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-runtime-fake-'))
  mkdirSync(join(folder, 'podman'))
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      const [line = ''] = chunk.toString('latin1').split('\r\n', 1)
      requests.push(line)
      if (line.startsWith('HEAD ')) socket.write(HEADERS)
      // The question that the driver never finishes.
      else if (!chunk.toString('latin1').includes('Content-Length: 1\r\n')) answer(line, socket)
    })
  })
  server.listen(join(folder, 'podman', 'podman.sock'))
  await once(server, 'listening')
  const die = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return {
    driver: await openFakeDriver(folder, timeoutMs),
    requests,
    die,
    [Symbol.asyncDispose]: async () => {
      die()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A driver for whom that folder is this user's, and which finds no Podman to start. */
export function openFakeDriver(runtimeFolder: string, timeoutMs: number): Promise<EngineDriver> {
  const local = createLocalSystem()
  const machine: Machine = {
    ...local,
    user: { ...local.user, uid: process.getuid?.() === 0 ? ROOT_AS_ANOTHER : local.user.uid },
    environment: { ...local.environment, XDG_RUNTIME_DIR: runtimeFolder },
    status: async (path) => {
      const answer = await local.status(path)
      return answer.status === 'ok' && answer.value.uid === 0 && process.getuid?.() === 0
        ? { ...answer, value: { ...answer.value, uid: ROOT_AS_ANOTHER } }
        : answer
    },
    run: async () => ({ status: 'exited', exitCode: 0, stdout: 'podman version 4.3.1\n', stderr: '' }),
    spawn: async () => ({ status: 'absent', reason: 'podman is not on the PATH' }),
  }
  const capabilities = (): never => {
    throw new RootlessError('NOT_SUPPORTED', 'no limits are asked for here')
  }
  return openPodmanDriver({ machine, timeoutMs, capabilities }, createPodmanService(machine, timeoutMs))
}

/** Of Podman, and of a folder inside a container. */
const HEADERS = [
  'HTTP/1.1 200 OK',
  'Libpod-Api-Version: 4.3.1',
  `X-Docker-Container-Path-Stat: ${Buffer.from('{"name":"/","mode":2147484141}').toString('base64')}`,
  'Content-Length: 0',
  '\r\n',
].join('\r\n')

/** Tests may run as root, whom the driver refuses. */
const ROOT_AS_ANOTHER = 1000

/** An answer with a length. */
export function answerJson(socket: Socket, value: unknown, statusCode = 200): void {
  const text = JSON.stringify(value)
  socket.write(`HTTP/1.1 ${statusCode} OK\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}

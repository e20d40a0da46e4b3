import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** qemu's machine protocol (QMP): one JSON object a line. */
export interface QemuMonitor extends Disposable {
  /** Runs a command and returns its answer. Throws what qemu says went wrong. */
  execute(command: string, parameters?: Readonly<Record<string, unknown>>): Promise<unknown>
}

const ANSWER_TIMEOUT_MS = 60_000

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Connects to the monitor of a running qemu. */
export async function openMonitor(socketPath: string): Promise<QemuMonitor> {
  const socket = connect(socketPath)
  const waiting: Waiting[] = []
  const fail = (error: Error): void => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('qemu closed its monitor')))
  const lines = createInterface({ input: socket })
  // It repeats the errors of its socket, which are told above.
  lines.on('error', () => {})
  lines.on('line', (line) => {
    const message: unknown = JSON.parse(line)
    if (typeof message !== 'object' || message === null) return
    // Events and the greeting come unasked.
    if ('return' in message) waiting.shift()?.resolve(message.return)
    if ('error' in message) waiting.shift()?.reject(new Error(`qemu: ${JSON.stringify(message.error)}`))
  })
  await once(socket, 'connect')
  await send(socket, waiting, 'qmp_capabilities', {})
  return {
    execute: (command, parameters = {}) => send(socket, waiting, command, parameters),
    [Symbol.dispose]: () => socket.destroy(),
  }
}

function send(socket: Socket, waiting: Waiting[], command: string, parameters: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`qemu did not answer ${command}`)), ANSWER_TIMEOUT_MS)
    const settle =
      <Value>(then: (value: Value) => void) =>
      (value: Value): void => {
        clearTimeout(timer)
        then(value)
      }
    waiting.push({ resolve: settle(resolve), reject: settle(reject) })
    socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`)
  })
}

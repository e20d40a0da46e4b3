import type { Duplex } from 'node:stream'
import type { HttpEngine } from './http-errors.ts'
import { exchange, type BodySink, type HttpLimits, type OpenAnswer } from './http-exchange.ts'
import type { HttpRequest } from './http-request.ts'

/** HTTP/1.1 over connections that are kept for the next request. */
export interface HttpClient {
  /** Settles with the head of the answer; its body goes to the sink. */
  send(request: HttpRequest, limits: HttpLimits, sink: (answer: OpenAnswer) => BodySink): Promise<OpenAnswer>
}

/** Connections kept without a request. */
const MAXIMUM_IDLE = 8

/** How a client's connections are opened and kept. */
export interface HttpConnections {
  readonly engine: HttpEngine
  readonly connect: () => Promise<Duplex>
  /** How long one without a request is used again; shorter than the server keeps it, whose end would meet a new request. */
  readonly idleMs: number
}

/** A client over connections that `connect` opens. Those without a request keep no process alive. */
export function createHttpClient({ engine, connect, idleMs }: HttpConnections): HttpClient {
  const idle: Idle[] = []
  const release = (stream: Duplex): void => {
    if (idle.length >= MAXIMUM_IDLE || stream.destroyed) return void stream.destroy()
    const entry = keepIdle(stream, () => void idle.splice(idle.indexOf(entry), 1))
    idle.push(entry)
  }
  const takeIdle = (): Duplex | null => {
    for (let entry = idle.pop(); entry !== undefined; entry = idle.pop()) {
      const stream = entry.wake()
      if (performance.now() - entry.sinceMs < idleMs) return stream
      stream.destroy()
    }
    return null
  }
  return {
    send: async (request, limits, sink) => {
      const { signal } = limits
      if (signal?.aborted === true) throw engine.aborted(request.path, signal)
      const stream = takeIdle() ?? (await connect())
      return await exchange(stream, request, limits, { engine, sink, release })
    },
  }
}

interface Idle {
  readonly sinceMs: number
  wake(): Duplex
}

/** Watches a connection that nobody uses: one that ends, or says something unasked, is not used again. */
function keepIdle(stream: Duplex, forget: () => void): Idle {
  const leave = (): void => void stream.off('data', drop).off('end', drop).off('close', drop)
  const drop = (): void => {
    leave()
    stream.destroy()
    forget()
  }
  stream.on('data', drop).on('end', drop).on('close', drop)
  stream.resume()
  keepProcess(stream, 'unref')
  return {
    sinceMs: performance.now(),
    wake: () => {
      leave()
      keepProcess(stream, 'ref')
      return stream
    },
  }
}

// Of net.Socket, not of Duplex. What has no such method holds no process.
function keepProcess(stream: Duplex, name: 'ref' | 'unref'): void {
  const method: unknown = Reflect.get(stream, name)
  if (typeof method === 'function') Reflect.apply(method, stream, [])
}

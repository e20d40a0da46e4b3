import type { Duplex } from 'node:stream'
import type { Answer, System } from '@rootless-runtime/core'
import { createTextSink, exchange } from '@rootless-runtime/core/http'
import { describeBroken, DOCKER_HTTP } from './docker-errors.ts'

/** 20.10 answers GET /info with 3 KB. */
const MAXIMUM_BODY_BYTES = 4 * 1024 * 1024

export interface HttpAnswer {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** What we need of whatever speaks HTTP behind a unix socket: the daemon, and RootlessKit. */
export interface SocketApi {
  get(path: string): Promise<Answer<HttpAnswer>>
}

/** Opens a socket through the door of `system`: absence and denial are told apart here. */
export async function openSocketApi(system: System, socketPath: string, timeoutMs: number): Promise<Answer<SocketApi>> {
  const first = await system.connect(socketPath, { timeoutMs })
  if (first.status !== 'ok') return { ...first, reason: first.reason.replace(`${socketPath}: `, '') }
  let waiting: Duplex | undefined = first.value
  const connect = async (): Promise<Duplex> => {
    const stream = waiting
    waiting = undefined
    if (stream !== undefined) return stream
    const again = await system.connect(socketPath, { timeoutMs })
    if (again.status !== 'ok') throw new Error(again.reason)
    return again.value
  }
  return { status: 'ok', value: { get: (path) => get(connect, path, timeoutMs) } }
}

/** A few questions, each on a connection that ends with it: none is left open by who only looks. */
async function get(connect: () => Promise<Duplex>, path: string, timeoutMs: number): Promise<Answer<HttpAnswer>> {
  try {
    const body = createTextSink(MAXIMUM_BODY_BYTES)
    const ends = { engine: DOCKER_HTTP, sink: body.sink, release: drop }
    const limits = { timeoutMs, until: 'end', signal: undefined } as const
    const { head } = await exchange(await connect(), { method: 'GET', path }, limits, ends)
    return { status: 'ok', value: { statusCode: head.statusCode, headers: head.headers, body: await body.text } }
  } catch (error) {
    return { status: 'failed', reason: `GET ${path}: ${describeBroken(error)}` }
  }
}

function drop(stream: Duplex): void {
  stream.destroy()
}

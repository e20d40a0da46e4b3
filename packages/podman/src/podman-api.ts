import { Readable, type Duplex } from 'node:stream'
import { RootlessError, type Call } from '@rootless-runtime/core'
import { z } from 'zod'
import { abortedError, goneError, timeoutError, toRefusal, unreadableError, type Asked } from './podman-errors.ts'
import type { PodmanService } from './podman-service.ts'
import { toSocket } from './podman-socket.ts'
import { askUpgrade } from './podman-upgrade.ts'

/** Podman's native API, without the compatible one: that one lies about limits and has other defaults. */
export interface PodmanApi {
  /** Asks and gives the JSON that came back; `null` for an answer without a body. */
  ask(question: Question, call: Call): Promise<unknown>
  /** Asks for an answer that is read as it comes; only its beginning has a time limit. */
  open(question: Question, call: Call): Promise<Readable>
  /** Asks for a stream of the question's own, both ways. */
  upgrade(question: Question, call: Call): Promise<Duplex>
  /** Fires when the service has ended. */
  lost(): Promise<AbortSignal>
}

export interface Question extends Asked {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/libpod`, with its query. */
  readonly path: string
  readonly json?: unknown
  readonly tar?: AsyncIterable<Uint8Array>
  /** In place of the driver's; `null`: as long as it takes. */
  readonly timeoutMs?: number | null
  /** The oldest version of the API that has the call; 3.0.0 unless told. Podman 3.0 to 5 answer to that one. */
  readonly root?: 'v3.0.0' | 'v4.0.0'
}

const MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024

export async function createPodmanApi(service: PodmanService, timeoutMs: number): Promise<PodmanApi> {
  // By its default export: in a bundle, a CommonJS module that is loaded late has no other.
  const { default: undici } = await import('undici')
  const pool = new undici.Pool('http://podman', {
    connections: null,
    pipelining: 1,
    // Time limits are ours: a question about waiting has none.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_, callback) => {
      service.connect().then(
        (stream) => callback(null, toSocket(stream)),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
      )
    },
  })
  const send = async (question: Question, signal: AbortSignal): Promise<Answered> => {
    const { method, json, tar } = question
    const { statusCode, body } = await pool.request({
      method,
      path: toPath(question),
      headers: json === undefined && tar === undefined ? {} : { 'content-type': json === undefined ? TAR : 'application/json' },
      body: json === undefined ? (tar === undefined ? null : Readable.from(tar, { objectMode: false })) : JSON.stringify(json),
      signal,
    })
    if (statusCode < 400) return { statusCode, body }
    throw toRefusal(question, parseWords(await readAll(body, question.what)))
  }
  const limits = (question: Question): number | null => (question.timeoutMs === undefined ? timeoutMs : question.timeoutMs)
  return {
    ask: (question, call) =>
      within(question.what, limits(question), call.signal, async (signal) => {
        const { body } = await send(question, signal)
        return parseJson(await readAll(body, question.what), question.what)
      }),
    open: async (question, call) => {
      const { body } = await within(question.what, limits(question), call.signal, (signal) => send(question, signal))
      return Readable.from(readMapped(body, question.what, call.signal), { objectMode: false })
    },
    upgrade: (question, call) =>
      within(question.what, limits(question), call.signal, async (signal) => {
        const connection = await service.connect()
        return await upgrade(connection, question, signal)
      }),
    lost: () => service.lost(),
  }
}

const TAR = 'application/x-tar'

interface Answered {
  readonly statusCode: number
  readonly body: Readable
}

/**
 * Runs until the work is done, the time is over or the caller aborts. What the work started and hands on, as a stream, ends by the
 * caller's signal only.
 */
async function within<Value>(
  what: string,
  timeoutMs: number | null,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (isAborted(signal)) throw abortedError(what, signal)
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const overTime = new AbortController()
  const onTime = (): void => {
    overTime.abort()
    stop.abort()
  }
  const timer = timeoutMs === null ? undefined : setTimeout(onTime, timeoutMs)
  try {
    return await work(stop.signal)
  } catch (error) {
    if (isAborted(signal)) throw abortedError(what, signal)
    if (overTime.signal.aborted) throw timeoutError(what, timeoutMs ?? 0)
    throw error instanceof RootlessError ? error : goneError(what, error)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

// A function, since a signal that has not fired may fire later, which the compiler does not see.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function toPath({ root = 'v3.0.0', path }: Question): string {
  return `/${root}/libpod${path}`
}

async function upgrade(connection: Duplex, question: Question, signal: AbortSignal): Promise<Duplex> {
  const onAbort = (): void => void connection.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const body = question.json === undefined ? '' : JSON.stringify(question.json)
    const answer = await askUpgrade(connection, toPath(question), body)
    if (answer.status >= 400) throw toRefusal(question, parseWords(answer.body))
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A body that breaks off is an engine that is gone. */
async function* readMapped(body: Readable, what: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const onAbort = (): void => void body.destroy(abortedError(what, signal))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of body) yield chunk
  } catch (error) {
    throw error instanceof RootlessError ? error : goneError(what, error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

async function readAll(body: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAXIMUM_ANSWER_BYTES) throw unreadableError(what, `it is longer than ${MAXIMUM_ANSWER_BYTES} bytes`)
  }
  return Buffer.concat(chunks).toString()
}

function parseJson(text: string, what: string): unknown {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw unreadableError(what, `no JSON: ${text.slice(0, 80)}`)
  }
}

const refusal = z.object({ message: z.string() })

/** `message` of an error's body, which ends with its `cause`; what is no such body speaks for itself. */
function parseWords(text: string): string {
  try {
    const parsed = refusal.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.message : text
  } catch {
    return text
  }
}

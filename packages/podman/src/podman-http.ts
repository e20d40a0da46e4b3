import { Readable } from 'node:stream'
import {
  createHttpClient,
  createTextSink,
  type BodySink,
  type HttpLimits,
  type HttpRequest,
  type OpenAnswer,
} from '@rootless-runtime/core/http'
import * as z from 'zod'
import { abortedError, PODMAN_HTTP, toRefusal, unreadableError } from './podman-errors.ts'
import type { Question } from './podman-question.ts'
import type { PodmanService } from './podman-service.ts'
import { limitUpload, type TimeLimit } from './podman-time-limit.ts'

/** Questions on connections that are kept for the next. */
export interface PodmanClient {
  /** The whole answer. */
  read(question: Question, limit: TimeLimit): Promise<Answered>
  /** The body of an answer, as it comes; what nobody reads holds Podman up. `signal`: of whoever reads. */
  open(question: Question, limit: TimeLimit, signal: AbortSignal | undefined): Promise<Readable>
  /** Whether anybody answers. @throws RootlessError `ENGINE_TIMEOUT` and the like */
  ping(): Promise<void>
}

/** An answer that is no error, or the absence that a HEAD asked for. */
export interface Answered {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

const MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024
/** Podman hangs up on a connection without a question after twice the time that its service outlives its work, which is 5 s. */
const IDLE_MS = 4000

/** A client over the service's connections. */
export function createPodmanClient(service: PodmanService, timeoutMs: number): PodmanClient {
  const http = createHttpClient({ engine: PODMAN_HTTP, connect: () => service.connect(), idleMs: IDLE_MS })
  const send = (question: Question, limit: TimeLimit, sink: (answer: OpenAnswer) => BodySink): Promise<OpenAnswer> =>
    http.send(toRequest(question, limit, timeoutMs), toLimits(limit), sink)
  return {
    read: async (question, limit) => {
      const body = createTextSink(MAXIMUM_ANSWER_BYTES)
      const { statusCode, headers } = (await send(question, limit, body.sink)).head
      const text = await body.text
      if (!isFine(question, statusCode)) throw toRefusal(question, parseWords(text))
      return { statusCode, headers, text }
    },
    ping: async () => {
      const body = createTextSink(MAXIMUM_ANSWER_BYTES)
      await http.send({ method: 'HEAD', path: '/_ping' }, { timeoutMs, until: 'end', signal: undefined }, body.sink)
    },
    open: async (question, limit, signal) => {
      const words = createTextSink(MAXIMUM_ANSWER_BYTES)
      const opened = Promise.withResolvers<Readable>()
      const { head } = await send(question, limit, (answer) => {
        if (!isFine(question, answer.head.statusCode)) return words.sink(answer)
        const { stream, sink } = toBody(answer, question.what, signal)
        opened.resolve(stream)
        return sink
      })
      if (!isFine(question, head.statusCode)) throw toRefusal(question, parseWords(await words.text))
      return await opened.promise
    },
  }
}

// Time limits are ours: they fire the signal.
function toLimits({ signal }: TimeLimit): HttpLimits {
  return { timeoutMs: null, until: 'end', signal }
}

function toRequest(question: Question, limit: TimeLimit, timeoutMs: number): HttpRequest {
  const { method, json, tar, what } = question
  const asked = { method, path: toPath(question) }
  if (json !== undefined) return { ...asked, body: { json } }
  return tar === undefined ? asked : { ...asked, body: { tar: limitUpload(tar, { what, limit, timeoutMs }) } }
}

function isFine({ method }: Question, statusCode: number): boolean {
  return statusCode < 400 || (method === 'HEAD' && statusCode === 404)
}

function toBody(
  answer: OpenAnswer,
  what: string,
  signal: AbortSignal | undefined,
): { readonly stream: Readable; readonly sink: BodySink } {
  const onAbort = (): void => void stream.destroy(abortedError(what, signal))
  const stream = new Readable({
    read: () => answer.resume(),
    destroy: (error, callback) => {
      signal?.removeEventListener('abort', onAbort)
      answer.close()
      callback(error)
    },
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  const sink: BodySink = {
    data: (bytes) => stream.push(bytes),
    end: () => void stream.push(null),
    fail: (error) => void stream.destroy(error),
  }
  return { stream, sink }
}

export function toPath({ root = 'v3.0.0', path }: Question): string {
  return `/${root}/libpod${path}`
}

export function parseJson(text: string, what: string): unknown {
  if (text.trim() === '') return null
  try {
    return JSON.parse(text)
  } catch {
    throw unreadableError(what, `no JSON: ${text.slice(0, 80)}`)
  }
}

const refusal = z.object({ message: z.string() })

/** `message` of an error's body, which ends with its `cause`; what is no such body speaks for itself. */
export function parseWords(text: string): string {
  try {
    const parsed = refusal.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.message : text
  } catch {
    return text
  }
}

import type { Duplex, Readable } from 'node:stream'
import { RootlessError, printable, type Call } from '@rootless-runtime/core'
import * as z from 'zod'
import { goneError, toRefusal } from './docker-errors.ts'
import { toReadable } from './docker-streams.ts'
import { createHttpClient } from './http-client.ts'
import type { BodySink, OpenAnswer } from './http-exchange.ts'
import type { HttpRequest } from './http-request.ts'

/** A question to Docker; `path` without the version. */
export interface DockerRequest extends HttpRequest {
  /** What is done, for the message of an error: `starting web`. */
  readonly what: string
  /** Statuses that are answers beside 200 to 299. */
  readonly expected?: readonly number[]
}

/** An answer that was read to its end. */
export interface DockerReply {
  readonly statusCode: number
  readonly text: string
}

/** Docker's API, in the version that the engine speaks. */
export interface DockerClient {
  /** A question that is answered at once. @throws RootlessError `ENGINE_TIMEOUT`, `ENGINE_GONE`, `ENGINE_UNAVAILABLE`, or the code of a refusal */
  ask(request: DockerRequest, call: Call): Promise<DockerReply>
  /** As `ask`, of something that takes its time. It is waited for as long as Docker answers whether it is there. */
  work(request: DockerRequest, call: Call): Promise<DockerReply>
  /** An answer that is as long as something runs. */
  open(request: DockerRequest, call: Call, sink: (answer: OpenAnswer) => BodySink): Promise<OpenAnswer>
}

/** As many containers as a host has: 10,000 of them are listed in 15 MB. */
const MAXIMUM_BODY_BYTES = 64 * 1024 * 1024

/** A client over connections that `connect` opens. It asks nothing before its first question. */
export function createDockerClient(connect: () => Promise<Duplex>, timeoutMs: number): DockerClient {
  const http = createHttpClient(connect)
  let version: Promise<string> | undefined

  const send = async (request: DockerRequest, limitMs: number | null, until: 'head' | 'end', call: Call, sink: Sink) => {
    const prefix = await (version ??= askVersion().catch(forgetVersion))
    const limits = { timeoutMs: limitMs, until, signal: call.signal }
    return await http.send({ ...request, path: `${prefix}${request.path}` }, limits, sink)
  }
  const read = async (request: DockerRequest, limitMs: number | null, call: Call): Promise<DockerReply> => {
    const body = Promise.withResolvers<string>()
    body.promise.catch(() => undefined)
    const { head } = await send(request, limitMs, 'end', call, (answer) => collectText(body, answer))
    const reply = { statusCode: head.statusCode, text: await body.promise }
    if (!isExpected(request, reply.statusCode)) throw toRefusal(request.what, parseMessage(reply))
    return reply
  }
  const askVersion = async (): Promise<string> => {
    const sink = (): BodySink => ({ data: () => true, end: () => undefined, fail: () => undefined })
    const limits = { timeoutMs, until: 'end', signal: undefined } as const
    const { head } = await http.send({ method: 'GET', path: '/_ping' }, limits, sink)
    const word = head.headers.get('api-version') ?? ''
    return /^\d{1,3}\.\d{1,3}$/u.test(word) ? `/v${word}` : ''
  }
  const forgetVersion = (error: unknown): never => {
    version = undefined
    throw error
  }
  const ping = async (): Promise<void> => {
    const body = Promise.withResolvers<string>()
    await http.send({ method: 'GET', path: '/_ping' }, { timeoutMs, until: 'end', signal: undefined }, (answer) =>
      collectText(body, answer),
    )
    await body.promise
  }
  return {
    ask: (request, call) => read(request, timeoutMs, call),
    work: (request, call) => whileAnswering(ping, timeoutMs, call, (signal) => read(request, null, { signal })),
    open: async (request, call, sink) => {
      const refused = Promise.withResolvers<string>()
      refused.promise.catch(() => undefined)
      const answer = await send(request, timeoutMs, 'head', call, (opened) =>
        isExpected(request, opened.head.statusCode) ? sink(opened) : collectText(refused, opened),
      )
      const { statusCode } = answer.head
      if (isExpected(request, statusCode)) return answer
      throw toRefusal(request.what, parseMessage({ statusCode, text: await refused.promise }))
    },
  }
}

/** The body of an answer as a stream, which holds the engine up when nobody reads. Destroying it gives up. */
export async function openBody(client: DockerClient, request: DockerRequest, call: Call): Promise<Readable> {
  const place: { stream: Readable | null } = { stream: null }
  await client.open(request, call, toReadable(place))
  if (place.stream === null) throw goneError(request.what)
  return place.stream
}

type Sink = (answer: OpenAnswer) => BodySink

function isExpected({ expected = [] }: DockerRequest, statusCode: number): boolean {
  return (statusCode >= 200 && statusCode < 300) || statusCode === 101 || expected.includes(statusCode)
}

function collectText(body: PromiseWithResolvers<string>, answer: OpenAnswer): BodySink {
  const parts: Buffer[] = []
  let bytes = 0
  return {
    data: (part) => {
      bytes += part.length
      parts.push(part)
      if (bytes <= MAXIMUM_BODY_BYTES) return true
      answer.close()
      body.reject(unreadable(`more than ${MAXIMUM_BODY_BYTES / 1024 ** 2} MiB`))
      return false
    },
    end: () => body.resolve((parts.length === 1 ? parts[0] : Buffer.concat(parts))?.toString('utf8') ?? ''),
    fail: body.reject,
  }
}

/**
 * Waits for work as long as the engine answers beside it: creating a container on a busy machine takes many seconds, and a hung
 * engine is told from a busy one by what it says to another question.
 */
async function whileAnswering<Value>(
  ping: () => Promise<void>,
  timeoutMs: number,
  { signal }: Call,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const stop = new AbortController()
  let hung: unknown
  let isDone = false
  let timer: NodeJS.Timeout | undefined
  const watch = (): void => {
    if (isDone) return
    timer = setTimeout(() => {
      ping().then(watch, (error: unknown) => {
        hung = error
        stop.abort(error)
      })
    }, timeoutMs)
  }
  watch()
  try {
    return await work(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]))
  } catch (error) {
    throw hung ?? error
  } finally {
    isDone = true
    clearTimeout(timer)
  }
}

const refusal = z.object({ message: z.string() })

function parseMessage({ statusCode, text }: DockerReply): string {
  try {
    const parsed = refusal.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data.message
  } catch {
    // Words without JSON are shown as they are.
  }
  return text.trim() === '' ? `status ${statusCode}` : text
}

/** The JSON of an answer, by a schema of only what is read. @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` */
export function parseReply<Schema extends z.ZodType>(schema: Schema, { text }: DockerReply, what: string): z.infer<Schema> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw unreadable(`${what}: no JSON: ${JSON.stringify(text.slice(0, 80))}`, cause)
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  throw unreadable(`${what}: ${z.prettifyError(parsed.error)}`, parsed.error)
}

function unreadable(reason: string, cause?: unknown): RootlessError {
  const shown = printable(reason)
  return new RootlessError('ENGINE_OUTPUT_UNREADABLE', `Docker's answer cannot be read: ${shown}`, {
    engine: 'docker',
    evidence: shown,
    cause,
  })
}

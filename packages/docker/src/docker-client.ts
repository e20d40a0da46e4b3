import type { Duplex, Readable } from 'node:stream'
import { printable, RootlessError, type Call } from '@rootless-runtime/core'
import {
  createHttpClient,
  createTextSink,
  type BodySink,
  type HttpClient,
  type HttpLimits,
  type HttpRequest,
  type OpenAnswer,
} from '@rootless-runtime/core/http'
import * as z from 'zod'
import { DOCKER_HTTP, goneError, toRefusal } from './docker-errors.ts'
import { toReadable } from './docker-streams.ts'

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
  readonly headers: ReadonlyMap<string, string>
  readonly text: string
}

/** Docker's API, in the version that the engine speaks. */
export interface DockerClient {
  /** A question that is answered at once. @throws RootlessError `ENGINE_TIMEOUT`, `ENGINE_GONE`, `ENGINE_UNAVAILABLE`, or the code of a refusal */
  ask(request: DockerRequest, call: Call): Promise<DockerReply>
  /** As `ask`, of something that takes its time. It is waited for as long as Docker answers whether it is there. */
  work(request: DockerRequest, call: Call): Promise<DockerReply>
  /** An answer that is as long as something runs. Its head is waited for as `work` is. */
  open(request: DockerRequest, call: Call, sink: (answer: OpenAnswer) => BodySink): Promise<OpenAnswer>
  /** When Docker answered last, on the clock of `performance`; before the first answer long ago. */
  answeredAtMs(): number
}

/** As many containers as a host has: 10,000 of them are listed in 15 MB. */
const MAXIMUM_BODY_BYTES = 64 * 1024 * 1024

/** A client over connections that `connect` opens. It asks nothing before its first question. */
export function createDockerClient(connect: () => Promise<Duplex>, timeoutMs: number): DockerClient {
  const http = createHttpClient({ engine: DOCKER_HTTP, connect, idleMs: Number.POSITIVE_INFINITY })
  const findPrefix = rememberPrefix(http, timeoutMs)
  let answeredAtMs = Number.NEGATIVE_INFINITY
  const send = async (request: DockerRequest, limits: HttpLimits, sink: Sink): Promise<OpenAnswer> => {
    const answer = await http.send({ ...request, path: `${await findPrefix()}${request.path}` }, limits, sink)
    answeredAtMs = performance.now()
    return answer
  }

  const read = async (request: DockerRequest, limitMs: number | null, signal: AbortSignal | undefined): Promise<DockerReply> => {
    const limits = { timeoutMs: limitMs, until: 'end', signal } as const
    const reply = await readReply((sink) => send(request, limits, sink))
    if (!isExpected(request, reply.statusCode)) throw toReplyError(request.what, reply)
    return reply
  }
  const ping = (): Promise<DockerReply> => askPing(http, timeoutMs)
  return {
    answeredAtMs: () => answeredAtMs,
    ask: (request, { signal }) => read(request, timeoutMs, signal),
    work: (request, { signal }) => whileAnswering(ping, timeoutMs, signal, (either) => read(request, null, either)),
    open: (request, { signal }, sink) =>
      whileAnswering(ping, timeoutMs, signal, (either) =>
        openAnswer(request, sink, (begin) => send(request, toHead(either), begin)),
      ),
  }
}

function toHead(signal: AbortSignal): HttpLimits {
  return { timeoutMs: null, until: 'head', signal }
}

/** Gives the body of an answer that was expected to a sink, and reads the words of any other. */
async function openAnswer(request: DockerRequest, sink: Sink, send: (sink: Sink) => Promise<OpenAnswer>): Promise<OpenAnswer> {
  const refused = createTextSink(MAXIMUM_BODY_BYTES)
  const answer = await send((opened) => (isExpected(request, opened.head.statusCode) ? sink(opened) : refused.sink(opened)))
  const { statusCode } = answer.head
  if (isExpected(request, statusCode)) return answer
  throw toReplyError(request.what, { statusCode, text: await refused.text })
}

async function readReply(send: (sink: Sink) => Promise<OpenAnswer>): Promise<DockerReply> {
  const body = createTextSink(MAXIMUM_BODY_BYTES)
  const { head } = await send(body.sink)
  return { statusCode: head.statusCode, headers: head.headers, text: await body.text }
}

function askPing(http: HttpClient, timeoutMs: number): Promise<DockerReply> {
  const limits = { timeoutMs, until: 'end', signal: undefined } as const
  return readReply((sink) => http.send({ method: 'GET', path: '/_ping' }, limits, sink))
}

/** The version that the engine speaks, as the beginning of every path; asked once. 28 and later refuse old versions. */
function rememberPrefix(http: HttpClient, timeoutMs: number): () => Promise<string> {
  let known: Promise<string> | undefined
  const find = async (): Promise<string> => {
    const { headers } = await askPing(http, timeoutMs)
    const version = headers.get('api-version') ?? ''
    return /^\d{1,3}\.\d{1,3}$/u.test(version) ? `/v${version}` : ''
  }
  const forget = (error: unknown): never => {
    known = undefined
    throw error
  }
  return () => (known ??= find().catch(forget))
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

/**
 * Waits for work as long as the engine answers beside it: creating a container on a busy machine takes many seconds, and a hung
 * engine is told from a busy one by what it says to another question.
 */
async function whileAnswering<Value>(
  ping: () => Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (either: AbortSignal) => Promise<Value>,
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

/** What Docker refused by an answer. */
export function toReplyError(what: string, reply: Pick<DockerReply, 'statusCode' | 'text'>): RootlessError {
  return toRefusal(what, parseMessage(reply))
}

function parseMessage({ statusCode, text }: Pick<DockerReply, 'statusCode' | 'text'>): string {
  try {
    const parsed = refusal.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data.message
  } catch {
    // Words without JSON are shown as they are.
  }
  return text.trim() === '' ? `status ${statusCode}` : text
}

/** The JSON of an answer, by a schema of only what is read. @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` */
export function parseReply<Schema extends z.ZodType>(
  schema: Schema,
  { text }: { readonly text: string },
  what: string,
): z.infer<Schema> {
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

import type { Duplex, Readable } from 'node:stream'
import type { Call } from '@rootless-runtime/core'
import { toRefusal } from './podman-errors.ts'
import { createPodmanClient, parseJson, parseWords, toPath, type Answered } from './podman-http.ts'
import type { Question } from './podman-question.ts'
import type { PodmanService } from './podman-service.ts'
import { within, type Limits } from './podman-time-limit.ts'
import { askUpgrade } from './podman-upgrade.ts'

/** Podman's native API, without the compatible one: that one lies about limits and has other defaults. */
export interface PodmanApi {
  /** Asks and gives the JSON that came back; `null` for an answer without a body. */
  ask(question: Question, call: Call): Promise<unknown>
  /** Asks for an answer that is read as it comes; only its beginning has a time limit. */
  open(question: Question, call: Call): Promise<Readable>
  /** Asks for the headers alone; absence is an answer. */
  head(question: Pick<Question, 'path' | 'what'>, call: Call): Promise<Headed>
  /** Asks for a stream of the question's own, both ways. */
  upgrade(question: Question, call: Call): Promise<Duplex>
  /** Of Podman. */
  version(): Promise<string>
  /** Fires when the service has ended. */
  lost(): Promise<AbortSignal>
  /** Whether the service whose end is `lost` still listens; never rejects. */
  isServed(lost: AbortSignal): Promise<boolean>
}

/** What came with an answer that has no body. */
export interface Headed extends Pick<Answered, 'headers'> {
  readonly found: boolean
}

export function createPodmanApi(service: PodmanService, timeoutMs: number): PodmanApi {
  const client = createPodmanClient(service, timeoutMs)
  const watch = { ping: () => client.ping(), everyMs: timeoutMs }
  const limits = ({ timeoutMs: limitMs = timeoutMs, tar }: Pick<Question, 'timeoutMs' | 'tar'>, { signal }: Call): Limits => ({
    timeoutMs: limitMs === 'while-it-answers' ? null : limitMs,
    signal,
    ...((limitMs === 'while-it-answers' || tar !== undefined) && { watch }),
  })
  return {
    ask: (question, call) =>
      within(question.what, limits(question, call), async (limit) => {
        const { text } = await client.read(question, limit)
        return parseJson(text, question.what)
      }),
    head: (question, call) =>
      within(question.what, limits({}, call), async (limit) => {
        const { statusCode, headers } = await client.read({ method: 'HEAD', ...question }, limit)
        return { found: statusCode < 400, headers }
      }),
    open: (question, call) => within(question.what, limits(question, call), (limit) => client.open(question, limit, call.signal)),
    upgrade: (question, call) =>
      within(question.what, limits(question, call), async ({ signal }) => {
        const connection = await service.connect()
        return await upgrade(connection, question, signal)
      }),
    version: () => service.version(),
    lost: () => service.lost(),
    isServed: (lost) => service.isServed(lost),
  }
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

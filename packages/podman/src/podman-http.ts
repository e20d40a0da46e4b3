import { Readable } from 'node:stream'
import { z } from 'zod'
import { toRefusal, unreadableError } from './podman-errors.ts'
import type { Question } from './podman-question.ts'
import type { PodmanService } from './podman-service.ts'
import { toSocket } from './podman-socket.ts'
import { limitUpload, type TimeLimit } from './podman-time-limit.ts'

/** Sends a question on a connection that is kept for the next. */
export type Send = (question: Question, limit: TimeLimit) => Promise<Answered>

/** An answer that is no error, or the absence that a HEAD asked for. */
export interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable & { dump(): Promise<void> }
}

const TAR = 'application/x-tar'
const MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024

/** Loads undici from where it is asked for later: in a bundle, another place would be looked up once more. */
export async function loadUndici(): Promise<void> {
  await import('undici')
}

/** undici over the service's connections. */
export async function createSend(service: PodmanService, timeoutMs: number): Promise<Send> {
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
  return async (question, limit) => {
    const { method, json, tar, what } = question
    const upload = tar === undefined ? null : Readable.from(limitUpload(tar, { what, limit, timeoutMs }), { objectMode: false })
    const { statusCode, headers, body } = await pool.request({
      method,
      path: toPath(question),
      headers: json === undefined && tar === undefined ? {} : { 'content-type': json === undefined ? TAR : 'application/json' },
      body: json === undefined ? upload : JSON.stringify(json),
      signal: limit.signal,
    })
    if (statusCode < 400 || (method === 'HEAD' && statusCode === 404)) return { statusCode, headers, body }
    throw toRefusal(question, parseWords(await readAll(body, what)))
  }
}

export function toPath({ root = 'v3.0.0', path }: Question): string {
  return `/${root}/libpod${path}`
}

export async function readAll(body: Readable, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAXIMUM_ANSWER_BYTES) throw unreadableError(what, `it is longer than ${MAXIMUM_ANSWER_BYTES} bytes`)
  }
  return Buffer.concat(chunks).toString()
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

import { ENGINE_NAMES, printable, RootlessError, type EngineName, type HostFacts, type SystemUser } from '@rootless-runtime/core'
import { hostFactsSchema } from '@rootless-runtime/core/schema'
import * as z from 'zod'

/** The methods of `System` that a recording notes; `connect` with whether it worked, and what was said in `exchanges`. */
export const RECORDED_METHODS = [
  'readText',
  'listDirectory',
  'status',
  'realPath',
  'freeBytes',
  'findExecutable',
  'run',
  'connect',
] as const
export type RecordedMethod = (typeof RECORDED_METHODS)[number]

/** One question to the machine, and every answer that it gave, in order. */
export interface RecordedCall {
  readonly method: RecordedMethod
  /** What was asked, without time limits: a path, or a command with its arguments. */
  readonly question: unknown
  readonly answers: readonly RecordedAnswer[]
}

export type RecordedAnswer = { readonly status: string } & Readonly<Record<string, unknown>>

/** One request and its answer over a socket; every engine that has a socket speaks HTTP there. */
export interface RecordedExchange {
  readonly socketPath: string
  readonly method: string
  readonly path: string
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One host, as one engine saw it at one time. Made by `recordSystem` on a real engine, and never by hand. */
export interface Recording {
  readonly recordingVersion: 1
  readonly engine: EngineName
  readonly engineVersion: string
  /** ISO 8601, UTC. */
  readonly recordedAt: string
  readonly user: SystemUser
  /** The variables that the adapter asked for; `null` for those that were not set. */
  readonly environment: Readonly<Record<string, string | null>>
  readonly hostFacts: HostFacts
  readonly calls: readonly RecordedCall[]
  readonly exchanges: readonly RecordedExchange[]
}

const recordingSchema: z.ZodType<Recording> = z.object({
  recordingVersion: z.literal(1),
  engine: z.enum(ENGINE_NAMES),
  engineVersion: z.string(),
  recordedAt: z.iso.datetime(),
  user: z.object({ uid: z.number().int(), gid: z.number().int(), name: z.string(), homeDirectory: z.string() }),
  environment: z.record(z.string(), z.string().nullable()),
  hostFacts: hostFactsSchema,
  calls: z.array(
    z.object({
      method: z.enum(RECORDED_METHODS),
      question: z.unknown(),
      answers: z.array(z.looseObject({ status: z.string() })).min(1),
    }),
  ),
  exchanges: z.array(
    z.object({
      socketPath: z.string(),
      method: z.string(),
      path: z.string(),
      statusCode: z.number().int(),
      headers: z.record(z.string(), z.string()),
      body: z.string(),
    }),
  ),
})

/**
 * Reads a recording back.
 *
 * @throws RootlessError `INVALID_ARGUMENT` when the text is none.
 */
export function parseRecording(text: string): Recording {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new RootlessError('INVALID_ARGUMENT', `the recording is not JSON: ${printable(String(cause))}`, { cause })
  }
  const parsed = recordingSchema.safeParse(json)
  if (parsed.success) return parsed.data
  throw new RootlessError('INVALID_ARGUMENT', `not a recording: ${printable(z.prettifyError(parsed.error))}`, {
    cause: parsed.error,
  })
}

/**
 * The same recording with words of the host replaced by words for everybody: its name, ids, addresses. Whole words only: a host
 * called `vm` does not change `/proc/sys/vm`.
 */
export function scrubRecording(recording: Recording, replacements: ReadonlyMap<string, string>): Recording {
  let text = JSON.stringify(recording)
  for (const [word, replacement] of replacements) {
    const written = JSON.stringify(word)
      .slice(1, -1)
      .replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`)
    if (word !== '')
      text = text.replaceAll(new RegExp(`(?<![\\w./-])${written}(?![\\w/-])`, 'gu'), () =>
        JSON.stringify(replacement).slice(1, -1),
      )
  }
  return parseRecording(text)
}

/** What makes two questions the same: the method and its arguments, without how long to wait. */
export function toQuestionKey(method: RecordedMethod, question: unknown): string {
  return `${method} ${JSON.stringify(question)}`
}

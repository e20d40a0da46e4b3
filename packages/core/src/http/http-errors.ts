import type { EngineName } from '../engine.ts'
import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'

/** Who is asked, and what it is called when that does not come to an answer. `what`: as `GET /info`. */
export interface HttpEngine {
  readonly engine: EngineName
  aborted(what: string, signal: AbortSignal | undefined): RootlessError
  gone(what: string, cause?: unknown): RootlessError
  timeout(what: string, timeoutMs: number): RootlessError
}

/** Of bytes that are no HTTP, or too many. */
export function unreadable(reason: string): RootlessError {
  const shown = printable(reason)
  return new RootlessError('ENGINE_OUTPUT_UNREADABLE', `the engine's answer cannot be read: ${shown}`, { evidence: shown })
}

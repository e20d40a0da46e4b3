import type { Bench } from './bench.ts'

/** One thing that every adapter's containers do, as a sentence and its proof. */
export interface Behaviour {
  readonly sentence: string
  /** Throws when it is not so. */
  readonly check: (bench: Bench) => Promise<void>
  readonly timeoutMs: number
}

const TIMEOUT_MS = 60_000

/** A behaviour, with the time that its proof may take on a busy machine. */
export function behaviour(
  sentence: string,
  check: (bench: Bench) => Promise<void>,
  { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): Behaviour {
  return { sentence, check, timeoutMs }
}

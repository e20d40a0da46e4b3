import { printable, RootlessError } from '@rootless-runtime/core'
import { abortedError, goneError, timeoutError } from './podman-errors.ts'

/** What work is stopped by, and how long it may still take. */
export interface TimeLimit {
  readonly signal: AbortSignal
  /** From now on; `null`: as long as it takes. */
  set(timeoutMs: number | null): void
}

export interface Limits {
  readonly timeoutMs: number | null
  readonly signal: AbortSignal | undefined
}

/**
 * Runs until the work is done, the time is over or the caller aborts. What the work started and hands on, as a stream, ends by the
 * caller's signal only.
 */
export async function within<Value>(
  what: string,
  { timeoutMs, signal }: Limits,
  work: (limit: TimeLimit) => Promise<Value>,
): Promise<Value> {
  if (isAborted(signal)) throw abortedError(what, signal)
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  let over: RootlessError | null = null
  let timer: NodeJS.Timeout | undefined
  const set = (limitMs: number | null): void => {
    clearTimeout(timer)
    const onTime = (): void => {
      over = timeoutError(what, limitMs ?? 0)
      stop.abort()
    }
    timer = limitMs === null ? undefined : setTimeout(onTime, limitMs)
  }
  set(timeoutMs)
  try {
    return await work({ signal: stop.signal, set })
  } catch (error) {
    if (isAborted(signal)) throw abortedError(what, signal)
    throw over ?? (error instanceof RootlessError ? error : goneError(what, error))
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

// A function, since a signal that has not fired may fire later, which the compiler does not see.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** How long Podman may take for what it was sent, once it has all of it: it unpacks layers then. */
const DIGEST_MS = 600_000

/** What is sent, so that the engine's slowness has a limit and the source's has none. */
export async function* limitUpload(
  source: AsyncIterable<Uint8Array>,
  { what, limit, timeoutMs }: { readonly what: string; readonly limit: TimeLimit; readonly timeoutMs: number },
): AsyncGenerator<Uint8Array> {
  limit.set(null)
  try {
    for await (const chunk of source) {
      limit.set(timeoutMs)
      yield chunk
      limit.set(null)
    }
  } catch (error) {
    if (error instanceof RootlessError) throw error
    const reason = printable(error instanceof Error ? error.message : String(error))
    throw new RootlessError('HOST_REFUSED', `${what}: what was to be sent cannot be read: ${reason}`, {
      engine: 'podman',
      cause: error,
    })
  }
  limit.set(DIGEST_MS)
}

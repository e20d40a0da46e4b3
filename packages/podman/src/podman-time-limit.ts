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
  /** Asked again and again, whether the engine is there: one that is hung is told so from one that is busy. */
  readonly watch?: Watch
}

export interface Watch {
  readonly ping: () => Promise<unknown>
  /** From one question to the next. */
  readonly everyMs: number
}

/**
 * Runs until the work is done, the time is over or the caller aborts. What the work started and hands on, as a stream, ends by the
 * caller's signal only.
 */
export async function within<Value>(
  what: string,
  { timeoutMs, signal, watch }: Limits,
  work: (limit: TimeLimit) => Promise<Value>,
): Promise<Value> {
  if (isAborted(signal)) throw abortedError(what, signal)
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  let over: RootlessError | null = null
  let timer: NodeJS.Timeout | undefined
  const onTime = (limitMs: number): void => {
    over = timeoutError(what, limitMs)
    stop.abort()
  }
  const set = (limitMs: number | null): void => {
    clearTimeout(timer)
    timer = limitMs === null ? undefined : setTimeout(onTime, limitMs, limitMs)
  }
  set(timeoutMs)
  const leave = watch === undefined ? undefined : beginToWatch(watch, () => onTime(watch.everyMs))
  try {
    return await work({ signal: stop.signal, set })
  } catch (error) {
    if (isAborted(signal)) throw abortedError(what, signal)
    throw over ?? (error instanceof RootlessError ? error : goneError(what, error))
  } finally {
    clearTimeout(timer)
    leave?.()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Until it is told to leave, or there is no answer once. */
function beginToWatch({ ping, everyMs }: Watch, onSilence: () => void): () => void {
  let isLeft = false
  let timer: NodeJS.Timeout | undefined
  const look = (): void => void ping().then(wait, onSilence)
  const wait = (): void => {
    if (!isLeft) timer = setTimeout(look, everyMs)
  }
  wait()
  return () => {
    isLeft = true
    clearTimeout(timer)
  }
}

// A function, since a signal that has not fired may fire later, which the compiler does not see.
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/**
 * What is sent, so that the engine's slowness has a limit and the source's has none. Once Podman has all of it, it unpacks layers,
 * for as long as that takes.
 */
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
  limit.set(null)
}

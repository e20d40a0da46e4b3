import { RootlessError } from '../errors.ts'

/** The caller's signal has fired. */
export function toAborted(signal: AbortSignal | undefined): RootlessError {
  return new RootlessError('ABORTED', 'ended by the caller', { cause: signal?.reason })
}

/** @throws RootlessError `ABORTED` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw toAborted(signal)
}

/** The promise, unless the signal fires before: then `ABORTED`, and whatever the promise becomes is dropped. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return await promise
  promise.catch(() => {})
  throwIfAborted(signal)
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(toAborted(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits; the signal ends it early with `ABORTED`. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const passed = Promise.withResolvers<void>()
  const timer = setTimeout(passed.resolve, milliseconds)
  try {
    await unlessAborted(passed.promise, signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Whether an error is ours and has this code. */
export function hasCode(error: unknown, ...codes: readonly RootlessError['code'][]): boolean {
  return error instanceof RootlessError && codes.includes(error.code)
}

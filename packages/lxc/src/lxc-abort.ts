import { RootlessError } from '@rootless-runtime/core'

/** The promise, unless the signal fires before: then `ABORTED`, and whatever the promise becomes is dropped. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return await promise
  promise.catch(() => {})
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void =>
    aborted.reject(new RootlessError('ABORTED', 'ended by the caller', { engine: 'lxc', cause: signal.reason }))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

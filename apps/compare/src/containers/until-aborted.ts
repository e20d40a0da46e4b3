import { RootlessError } from 'rootless-runtime'

/**
 * The promise, unless the signal fires first: what it waits for is left behind then.
 *
 * @throws RootlessError `ABORTED`
 */
export async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  // Left behind, it may fail later, and nobody would be there to hear.
  promise.catch(() => {})
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new RootlessError('ABORTED', 'ended by a signal', { cause: signal.reason }))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

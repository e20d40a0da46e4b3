import { printable, type Answer } from '@rootless-runtime/core'

export interface AnswerLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

// errno(3). What is not here is a failure, told in the words of Node.
const ERRNO_ANSWERS: ReadonlyMap<string, readonly ['absent' | 'denied', string]> = new Map([
  ['ENOENT', ['absent', 'does not exist']],
  ['ENOTDIR', ['absent', 'does not exist: a part of its path is not a directory']],
  ['EACCES', ['denied', 'permission denied']],
  ['EPERM', ['denied', 'operation not permitted']],
])

/**
 * The answer of some work on `path` within a time limit: a file system that hangs (a dead NFS server, a stuck FUSE process)
 * must not hang the caller. The work gets a signal that fires when nobody waits for it any more.
 */
export async function answerWithin<Value>(
  path: string,
  { timeoutMs, signal }: AnswerLimits,
  work: (stop: AbortSignal) => Promise<Answer<Value>>,
): Promise<Answer<Value>> {
  if (signal?.aborted === true) return failed(`${printable(path)} was not looked at: aborted`)
  const stop = new AbortController()
  const ended = Promise.withResolvers<Answer<Value>>()
  const end = (reason: string): void => {
    ended.resolve(failed(reason))
    stop.abort()
  }
  const onAbort = (): void => end(`${printable(path)} was not looked at: aborted`)
  const stopWaiting = startPatience(timeoutMs, () => end(`${printable(path)} did not answer within ${timeoutMs} ms`))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([ended.promise, attempt(path, () => work(stop.signal))])
  } finally {
    stopWaiting()
    signal?.removeEventListener('abort', onAbort)
  }
}

const PATIENCE_STEPS = 10

// Counts steps, not the clock: while our own code keeps this process busy (loading a library on a slow machine), an answer that has
// come cannot be seen. Such a time counts as one step, and does not make a file system one that hangs.
function startPatience(timeoutMs: number, onEnd: () => void): () => void {
  let steps = PATIENCE_STEPS
  const timer = setInterval(() => {
    steps -= 1
    if (steps === 0) onEnd()
  }, timeoutMs / PATIENCE_STEPS)
  return () => clearInterval(timer)
}

async function attempt<Value>(path: string, work: () => Promise<Answer<Value>>): Promise<Answer<Value>> {
  try {
    return await work()
  } catch (error) {
    return toErrorAnswer(path, error)
  }
}

/** What an error of the operating system says about a path: absent, denied, or failed in its own words. */
export function toErrorAnswer(path: string, error: unknown): Answer<never> {
  const [status, words] = ERRNO_ANSWERS.get(errorCode(error)) ?? ['failed', printable(String(error))]
  return { status, reason: `${printable(path)}: ${words}` }
}

/** The `code` of a Node error as `ENOENT`, or the empty text. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export function failed(reason: string): Answer<never> {
  return { status: 'failed', reason }
}

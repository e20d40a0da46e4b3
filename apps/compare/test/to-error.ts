import { RootlessError } from 'rootless-runtime'

/** The error that this throws. */
export function toError(work: () => unknown): RootlessError {
  try {
    work()
  } catch (error) {
    if (error instanceof RootlessError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

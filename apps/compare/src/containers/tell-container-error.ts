import { RootlessError, type ErrorCode } from 'rootless-runtime'
import { EXIT, type Io } from '../io.ts'
import { tellError } from '../tell-error.ts'

/** What nobody could find out, or do, because an engine was not there or did not answer. */
const COULD_NOT_LOOK: ReadonlySet<ErrorCode> = new Set([
  'ENGINE_UNAVAILABLE',
  'ENGINE_TIMEOUT',
  'ENGINE_OUTPUT_UNREADABLE',
  'ENGINE_GONE',
  'HOST_REFUSED',
])

/** Tells an error of a command of containers, and returns its exit code: 1 when the answer is no, 3 when there was no answer. */
export function tellContainerError(error: unknown, io: Io): number {
  const code = tellError(error, io)
  if (!(error instanceof RootlessError) || code !== EXIT.couldNotLook) return code
  return COULD_NOT_LOOK.has(error.code) ? code : EXIT.requirementNotMet
}

import { RootlessError, type ErrorCode } from 'rootless-runtime'
import { SETUP_USER } from '../become.ts'
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

/**
 * Tells an error of a command of containers, and returns its exit code: 1 when the answer is no, 3 when there was no answer.
 * `userOption`: how this command is told for whom to look.
 */
export function tellContainerError(error: unknown, io: Io, userOption = '--user'): number {
  const code = tellError(error, io)
  if (!(error instanceof RootlessError)) return code
  const silent = COULD_NOT_LOOK.has(error.code)
  if (silent) tellRoot(io, userOption)
  return code === EXIT.couldNotLook && !silent ? EXIT.requirementNotMet : code
}

/** Root has no engines of its own here: whose they are must be told. */
export function tellRoot(io: Io, userOption = '--user'): void {
  if (io.userId !== 0) return
  io.error.write(`containers run for ordinary users, and this is root; add: ${userOption} ${SETUP_USER}\n`)
}

import { constants } from 'node:os'
import { RootlessError, type ErrorCode } from 'rootless-runtime'

/** What `rootless run` and `rootless exec` end with when the command did not end by itself: as Docker's client does. */
export const RUN_EXIT = { failed: 125, notExecutable: 126, notFound: 127 } as const

const CODES: ReadonlyMap<ErrorCode, number> = new Map([
  ['COMMAND_NOT_EXECUTABLE', RUN_EXIT.notExecutable],
  ['COMMAND_NOT_FOUND', RUN_EXIT.notFound],
])

export function toRunExit(error: unknown): number {
  return (error instanceof RootlessError ? CODES.get(error.code) : undefined) ?? RUN_EXIT.failed
}

/** What a shell tells of a program that a signal ended. */
export function toSignalExit(name: NodeJS.Signals): number {
  return 128 + constants.signals[name]
}

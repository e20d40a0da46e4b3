import { printable, RootlessError } from 'rootless-runtime'
import { EXIT, type Io } from './io.ts'
import { renderFix } from './render/fixes.ts'
import { toStyle } from './render/style.ts'

const LONGEST_LINE_CHARACTERS = 2000

/** One clear error for a person: what happened, what was seen, what to type. Returns the exit code that belongs to it. */
export function tellError(error: unknown, io: Io): number {
  const message = toLines(error instanceof Error ? error.message : String(error))
  io.error.write(`rootless: ${message}\n`)
  if (!(error instanceof RootlessError)) {
    io.error.write('This is a defect; please report it with what you typed.\n')
    if (io.environment['ROOTLESS_DEBUG'] === '1' && error instanceof Error) io.error.write(`${error.stack}\n`)
    return EXIT.couldNotLook
  }
  if (error.fix !== undefined) {
    const style = toStyle(io.error, io.environment)
    io.error.write(`${renderFix(error.fix, { style, self: io.self, isRoot: io.userId === 0, userName: io.userName })}\n`)
  }
  if (error.code === 'INVALID_ARGUMENT') return EXIT.wrongUse
  if (error.code === 'REQUIREMENT_NOT_MET') return EXIT.requirementNotMet
  return error.code === 'ABORTED' ? EXIT.interrupted : EXIT.couldNotLook
}

function toLines(message: string): string {
  return message
    .split('\n')
    .map((line) => printable(line, LONGEST_LINE_CHARACTERS))
    .join('\n')
}

import { RootlessError } from '@rootless-runtime/core'

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/u

/**
 * One word for a POSIX shell, which reads it back unchanged.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for a NUL character, which no argument can hold.
 */
export function quoteShellWord(word: string): string {
  if (word.includes('\0')) throw new RootlessError('INVALID_ARGUMENT', 'a shell word cannot hold a NUL character')
  if (PLAIN.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}

export function quoteShellCommand(command: readonly string[]): string {
  return command.map(quoteShellWord).join(' ')
}

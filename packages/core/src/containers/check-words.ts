import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'

/** An argument of the caller that cannot be: what it is, and what it should be. */
export function invalid(what: string, given: unknown, wanted: string): RootlessError {
  const shown = typeof given === 'string' ? JSON.stringify(printable(given, 80)) : printable(String(given), 80)
  return new RootlessError('INVALID_ARGUMENT', `${what} cannot be ${shown}: ${wanted}`)
}

/** A text without a zero byte, which no engine and no kernel takes. */
export function checkText(what: string, text: string, maximumCharacters = 131_072): string {
  if (typeof text !== 'string') throw invalid(what, text, 'it is a text')
  if (text.includes('\0')) throw invalid(what, text, 'it holds a zero byte')
  // MAX_ARG_STRLEN of Linux is 128 KiB for one word of execve(2).
  if (text.length > maximumCharacters) throw invalid(what, text, `it has more than ${maximumCharacters} characters`)
  return text
}

/** Words of a command, of which the first is not empty. */
export function checkCommand(what: string, command: readonly string[]): readonly string[] {
  if (!Array.isArray(command)) throw invalid(what, command, 'it is a list of words')
  if (command.length > 0 && command[0] === '') throw invalid(what, '', 'its first word is empty')
  return command.map((word) => checkText(what, word))
}

/** A name as Docker, Podman and a folder of LXC take it alike. */
export function checkName(what: string, name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/u.test(name)) {
    throw invalid(what, name, 'a name has 2 to 128 letters, digits, "_", "." and "-", and begins with a letter or a digit')
  }
  return name
}

/** An absolute path in its shortest form. `/` only when `root` says so. */
export function checkPath(what: string, path: string, { root }: { readonly root: boolean }): string {
  checkText(what, path, 4096)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (!path.startsWith('/')) throw invalid(what, path, 'it is an absolute path')
  if (parts.includes('..')) throw invalid(what, path, 'it goes through ".."')
  if (/[\n\r]/u.test(path)) throw invalid(what, path, 'it holds a line break')
  if (parts.length === 0 && !root) throw invalid(what, path, 'it is the root of everything')
  return `/${parts.join('/')}`
}

/** Variables of the environment. */
export function checkEnvironment(what: string, variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(variables)) {
    if (name === '' || name.includes('=')) throw invalid(what, name, 'the name of a variable is not empty and holds no "="')
    checkText(what, name)
    checkText(`${what} ${printable(name, 40)}`, value)
  }
  return variables
}

/** `name`, `uid` or `uid:gid`. */
export function checkUser(user: string): string {
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.$-]{0,63}(?::[a-zA-Z0-9_][a-zA-Z0-9_.$-]{0,63})?$/u.test(user)) {
    throw invalid('user', user, 'it is a name, a number, or two of them joined by ":"')
  }
  return user
}

/** A whole number in a range. */
export function checkWhole(what: string, value: number, [least, most]: readonly [number, number], unit = ''): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalid(what, value, `it is a whole number from ${least} to ${most}${unit === '' ? '' : ` ${unit}`}`)
  }
  return value
}

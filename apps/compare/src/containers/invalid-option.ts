import { printable, RootlessError } from 'rootless-runtime'

/** What a person typed after an option, and why it cannot be meant. */
export function invalidOption(option: string, value: string, reason: string): RootlessError {
  return new RootlessError('INVALID_ARGUMENT', `${option} "${printable(value, 120)}": ${reason}`)
}

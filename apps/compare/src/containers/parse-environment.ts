import { invalidOption } from './invalid-option.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** `-e NAME=value`, or `-e NAME` for the value that this process has; nothing when it has none, as with Docker. */
export function parseVariables(option: string, texts: readonly string[], environment: Environment): Record<string, string> {
  const found = texts.flatMap((text): readonly (readonly [string, string])[] => {
    const equals = text.indexOf('=')
    const name = equals === -1 ? text : text.slice(0, equals)
    if (name === '') throw invalidOption(option, text, 'a variable needs a name: NAME=value')
    const value = equals === -1 ? environment[name] : text.slice(equals + 1)
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(found)
}

/** The lines of an `--env-file`: `NAME=value` or `NAME`; nothing is unquoted, empty lines and those from `#` on are left out. */
export function listFileVariables(content: string): readonly string[] {
  return content
    .replace(/^\uFEFF/u, '')
    .split('\n')
    .map((line) => line.replace(/\r$/u, '').trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** `-l name=value`, or `-l name` for an empty value. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      const name = equals === -1 ? text : text.slice(0, equals)
      if (name === '') throw invalidOption('-l', text, 'a label needs a name: name=value')
      return [name, equals === -1 ? '' : text.slice(equals + 1)]
    }),
  )
}

import { styleText } from 'node:util'
import type { Io, Output } from '../io.ts'

export type Mark = 'supported' | 'unsupported' | 'unknown'

/** How to write for one output: colours and signs that it can show. */
export interface Style {
  readonly bold: (text: string) => string
  readonly faint: (text: string) => string
  readonly colour: (mark: Mark, text: string) => string
  readonly sign: (mark: Mark) => string
  readonly bullet: string
  readonly unicode: boolean
}

const COLOURS = { supported: 'green', unsupported: 'red', unknown: 'yellow' } as const
const SIGNS = { supported: '✔', unsupported: '✘', unknown: '?' } as const
const ASCII_SIGNS = { supported: '+', unsupported: 'x', unknown: '?' } as const

/** Colours only on a terminal that wants them (no-color.org), signs only where the locale is UTF-8. */
export function toStyle(output: Output, environment: Io['environment']): Style {
  return createStyle({ colours: wantsColours(output, environment), unicode: isUtf8(environment) })
}

export function createStyle({ colours, unicode }: { readonly colours: boolean; readonly unicode: boolean }): Style {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colours ? styleText(format, text, { validateStream: false }) : text
  const signs = unicode ? SIGNS : ASCII_SIGNS
  return {
    bold: (text) => paint('bold', text),
    faint: (text) => paint('dim', text),
    colour: (mark, text) => paint(COLOURS[mark], text),
    sign: (mark) => signs[mark],
    bullet: unicode ? '•' : '-',
    unicode,
  }
}

function wantsColours(output: Output, environment: Io['environment']): boolean {
  if (isSet(environment['NO_COLOR'])) return false
  if (isSet(environment['FORCE_COLOR'])) return environment['FORCE_COLOR'] !== '0'
  return output.isTerminal && environment['TERM'] !== 'dumb'
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}

// locale(7): the first of these that is set decides. None set is a pipe in a bare environment; we write UTF-8 there.
function isUtf8(environment: Io['environment']): boolean {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(isSet)
  return locale === undefined || /utf-?8/iu.test(locale) || locale.startsWith('C.UTF')
}

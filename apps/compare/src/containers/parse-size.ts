import { invalidOption } from './invalid-option.ts'

const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
  ['t', 1024 ** 4],
])

/** `64m`, `1.5g`, `512k`, `1048576`: bytes, with units of 1024 as Docker counts them; `64mb` and `64MiB` are the same. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:([kmgt]?)i?b?)$/iu.exec(text)
  const unit = UNIT_BYTES.get(match?.[2]?.toLowerCase() ?? '')
  const bytes = match?.[1] === undefined || unit === undefined ? Number.NaN : Math.floor(Number(match[1]) * unit)
  if (Number.isSafeInteger(bytes)) return bytes
  throw invalidOption(option, text, 'a size is a number and a unit: 64m, 1.5g, 512k, or bytes')
}

/** A plain decimal number. Which values make sense is not decided here. */
export function parseNumber(option: string, text: string): number {
  if (/^-?\d+(?:\.\d+)?$/u.test(text)) return Number(text)
  throw invalidOption(option, text, 'this is not a number')
}

/** `10`, `1.5`: seconds, as milliseconds. */
export function parseSeconds(option: string, text: string): number {
  const seconds = parseNumber(option, text)
  if (seconds >= 0 && seconds <= 86_400) return Math.round(seconds * 1000)
  throw invalidOption(option, text, 'seconds, from 0 to 86400')
}

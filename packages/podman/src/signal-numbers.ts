import { constants } from 'node:os'

/** Where the C library's real-time signals begin, signal(7). */
const FIRST_REAL_TIME = 34
const LAST_REAL_TIME = 64

const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals))
const WORDS: ReadonlyMap<number, string> = new Map([...NUMBERS].toReversed().map(([word, number]) => [number, word]))

/** The number of a signal by its name, as `SIGTERM` and `SIGRTMIN+3`; `undefined` for no signal. */
export function toSignalNumber(name: string): number | undefined {
  const realTime = /^SIGRTM(IN|AX)(?:([+-])(\d{1,2}))?$/u.exec(name)
  if (realTime === null) return NUMBERS.get(name)
  const [, end, sign, distance = '0'] = realTime
  const number = (end === 'IN' ? FIRST_REAL_TIME : LAST_REAL_TIME) + (sign === '-' ? -1 : 1) * Number(distance)
  return number >= FIRST_REAL_TIME && number <= LAST_REAL_TIME ? number : undefined
}

/** The name of a signal that Podman tells as a number or a word; `null` when it is none. */
export function toSignalWord(told: number | string): string | null {
  if (typeof told === 'string') {
    if (/^\d+$/u.test(told)) return toSignalWord(Number(told))
    return told === '' ? null : told.startsWith('SIG') ? told : `SIG${told}`
  }
  if (told >= FIRST_REAL_TIME && told <= LAST_REAL_TIME) return `SIGRTMIN+${told - FIRST_REAL_TIME}`
  return WORDS.get(told) ?? null
}

import { invalidImage } from './invalid-image.ts'

/** What pax headers say of an entry beside its header, by key. Values are bytes. */
export type PaxRecords = ReadonlyMap<string, Buffer>

const LENGTH_DIGITS = 8

/** Records as `30 mtime=1321711775.9860463\n`. @throws RootlessError `IMAGE_INVALID` */
export function parsePax(bytes: Buffer, where: string): PaxRecords {
  const records = new Map<string, Buffer>()
  let start = 0
  while (start < bytes.length) {
    const blank = bytes.indexOf(0x20, start)
    const digits = blank === -1 || blank - start > LENGTH_DIGITS ? '' : bytes.toString('latin1', start, blank)
    const end = /^[1-9]\d*$/u.test(digits) ? start + Number(digits) : 0
    if (end <= blank || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw invalidImage(where, 'a pax record has a wrong length')
    const equals = bytes.indexOf(0x3d, blank)
    if (equals === -1 || equals >= end || equals === blank + 1) throw invalidImage(where, 'a pax record has no key')
    records.set(bytes.toString('latin1', blank + 1, equals), bytes.subarray(equals + 1, end - 1))
    start = end
  }
  return records
}

/** A whole number of a record; pax lets times have fractions, which are cut. `null` is no number. */
export function paxNumber(value: Buffer): number | null {
  const match = /^(-?\d{1,16})(?:\.\d*)?$/u.exec(value.toString('latin1'))
  const number = Number(match?.[1])
  return Number.isSafeInteger(number) ? number : null
}

import { invalidImage } from './invalid-image.ts'

/** Every tar is made of blocks of this size. */
export const BLOCK_BYTES = 512

/** What a header of a tar is about: something to make, or more words about the next header. */
export type TarKind = TarEntryKind | 'pax' | 'global-pax' | 'long-name' | 'long-link'
export type TarEntryKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'character-device' | 'block-device'

/** One header. Names are bytes: one character for each, whatever their encoding. */
export interface TarHeader {
  readonly kind: TarKind
  /** Of the time before folders had a kind of their own: one whose name ends with a slash is a folder. */
  readonly isOldFile: boolean
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly modifiedAt: number
  /** Of what follows the header; 0 for whatever is no file, as in Go's archive/tar, which Docker and Podman read with. */
  readonly sizeBytes: number
  /** Major and minor number of a device. */
  readonly device: readonly [major: number, minor: number]
}

const KINDS: ReadonlyMap<string, TarKind> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['6', 'fifo'],
  ['x', 'pax'],
  ['g', 'global-pax'],
  ['L', 'long-name'],
  ['K', 'long-link'],
])

const STRANGE_KINDS: ReadonlyMap<string, string> = new Map([
  ['S', 'a sparse file; write the archive without --sparse'],
  ['D', 'a folder of an incremental dump'],
  ['M', 'the rest of a file of another volume'],
  ['V', 'the label of a volume'],
])

const HAS_BODY: ReadonlySet<TarKind> = new Set<TarKind>(['file', 'pax', 'global-pax', 'long-name', 'long-link'])

/** @throws RootlessError `IMAGE_INVALID` */
export function parseTarHeader(block: Buffer, where: string, position: number): TarHeader {
  const at = `${where}, at byte ${position}`
  if (parseOctal(block, 148, 8) !== checksum(block)) {
    if (position === 0) throw invalidImage(where, `is no tar; it begins with ${block.toString('hex', 0, 8)}`)
    throw invalidImage(at, 'there is no header of a tar: its checksum does not fit')
  }
  const flag = String.fromCharCode(block[156] ?? 0)
  const name = parseName(block)
  const kind = KINDS.get(flag)
  if (kind === undefined) {
    const reason = STRANGE_KINDS.get(flag) ?? `of the unknown kind ${JSON.stringify(flag)}`
    throw invalidImage(at, `the entry ${JSON.stringify(name.slice(0, 100))} is ${reason}`)
  }
  const number = (start: number, length: number): number => {
    const value = parseNumber(block, start, length)
    if (value === null) throw invalidImage(at, 'a field of the header is no number')
    return value
  }
  return {
    kind,
    isOldFile: flag === '\0',
    name,
    linkName: text(block, 157, 100),
    mode: number(100, 8) % 0o10000,
    uid: number(108, 8),
    gid: number(116, 8),
    modifiedAt: parseNumber(block, 136, 12) ?? 0,
    sizeBytes: HAS_BODY.has(kind) ? number(124, 12) : 0,
    device: [parseNumber(block, 329, 8) ?? 0, parseNumber(block, 337, 8) ?? 0],
  }
}

/** The prefix of a name is POSIX's alone: GNU's header, whose magic ends with two blanks, has times there. */
function parseName(block: Buffer): string {
  const name = text(block, 0, 100)
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return name
  const prefix = text(block, 345, 155)
  return prefix === '' ? name : `${prefix}/${name}`
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < BLOCK_BYTES; index += 1) if (index < 148 || index >= 156) sum += block[index] ?? 0
  return sum
}

function text(block: Buffer, start: number, length: number): string {
  const field = block.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? length : end)
}

/** Octal digits, or GNU's big-endian number when the highest bit is set. `null` is no number, a negative or an unsafe one. */
function parseNumber(block: Buffer, start: number, length: number): number | null {
  const first = block[start] ?? 0
  if (first < 0x80) return parseOctal(block, start, length)
  if (first !== 0x80) return null
  let value = 0
  for (let index = start + 1; index < start + length; index += 1) value = value * 256 + (block[index] ?? 0)
  return Number.isSafeInteger(value) ? value : null
}

function parseOctal(block: Buffer, start: number, length: number): number | null {
  const digits = block.toString('latin1', start, start + length).replaceAll(/^[ \0]+|[ \0]+$/gu, '')
  if (digits === '') return 0
  return /^[0-7]+$/u.test(digits) ? Number.parseInt(digits, 8) : null
}

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

/** By the byte that stands for it. */
const KINDS: Readonly<Record<number, TarKind>> = {
  0x00: 'file',
  0x30: 'file',
  0x31: 'hardlink',
  0x32: 'symlink',
  0x33: 'character-device',
  0x34: 'block-device',
  0x35: 'directory',
  0x36: 'fifo',
  0x37: 'file',
  0x4b: 'long-link',
  0x4c: 'long-name',
  0x67: 'global-pax',
  0x78: 'pax',
}

const STRANGE_KINDS: ReadonlyMap<string, string> = new Map([
  ['S', 'a sparse file; write the archive without --sparse'],
  ['D', 'a folder of an incremental dump'],
  ['M', 'the rest of a file of another volume'],
  ['V', 'the label of a volume'],
])

const NO_DEVICE = [0, 0] as const

const HAS_BODY: ReadonlySet<TarKind> = new Set<TarKind>(['file', 'pax', 'global-pax', 'long-name', 'long-link'])

/** @throws RootlessError `IMAGE_INVALID` */
export function parseTarHeader(block: Buffer, where: string, position: number): TarHeader {
  if (parseOctal(block, 148, 8) !== checksum(block)) {
    if (position === 0) throw invalidImage(where, `is no tar; it begins with ${block.toString('hex', 0, 8)}`)
    throw invalidImage(`${where}, at byte ${position}`, 'there is no header of a tar: its checksum does not fit')
  }
  const flag = block[156] ?? 0
  const name = parseName(block)
  const kind = KINDS[flag]
  if (kind === undefined) {
    const letter = String.fromCharCode(flag)
    const reason = STRANGE_KINDS.get(letter) ?? `of the unknown kind ${JSON.stringify(letter)}`
    throw invalidImage(where, `the entry ${JSON.stringify(name.slice(0, 100))} is ${reason}`)
  }
  const isDevice = kind === 'character-device' || kind === 'block-device'
  return {
    kind,
    isOldFile: flag === 0,
    name,
    linkName: text(block, 157, 100),
    mode: requireNumber(block, 100, 8, where) % 0o10000,
    uid: requireNumber(block, 108, 8, where),
    gid: requireNumber(block, 116, 8, where),
    modifiedAt: parseNumber(block, 136, 12) ?? 0,
    sizeBytes: HAS_BODY.has(kind) ? requireNumber(block, 124, 12, where) : 0,
    device: isDevice ? [parseNumber(block, 329, 8) ?? 0, parseNumber(block, 337, 8) ?? 0] : NO_DEVICE,
  }
}

function requireNumber(block: Buffer, start: number, length: number, where: string): number {
  const value = parseNumber(block, start, length)
  if (value === null)
    throw invalidImage(where, `the entry ${JSON.stringify(parseName(block).slice(0, 100))}: a field of its header is no number`)
  return value
}

/** The prefix of a name is POSIX's alone: GNU's header, whose magic ends with two blanks, has times there. */
function parseName(block: Buffer): string {
  const name = text(block, 0, 100)
  if (block[345] === 0 || block.toString('latin1', 257, 263) !== 'ustar\0') return name
  return `${text(block, 345, 155)}/${name}`
}

function checksum(block: Buffer): number {
  let sum = 8 * BLANK
  for (let index = 0; index < 148; index += 1) sum += block[index] ?? 0
  for (let index = 156; index < BLOCK_BYTES; index += 1) sum += block[index] ?? 0
  return sum
}

/** Text up to a NUL. Most fields are empty, and a million headers are read without making a string for these. */
function text(block: Buffer, start: number, length: number): string {
  let end = start
  while (end < start + length && block[end] !== 0) end += 1
  return end === start ? '' : block.toString('latin1', start, end)
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

const BLANK = 0x20
const ZERO = 0x30
const SEVEN = 0x37

/** Digits between blanks and NULs; none are 0. Fields have at most 12 bytes, so the value is safe. */
function parseOctal(block: Buffer, start: number, length: number): number | null {
  let index = start
  let end = start + length
  while (index < end && isFiller(block[index])) index += 1
  while (end > index && isFiller(block[end - 1])) end -= 1
  let value = 0
  for (; index < end; index += 1) {
    const byte = block[index] ?? 0
    if (byte < ZERO || byte > SEVEN) return null
    value = value * 8 + byte - ZERO
  }
  return value
}

function isFiller(byte: number | undefined): boolean {
  return byte === BLANK || byte === 0
}

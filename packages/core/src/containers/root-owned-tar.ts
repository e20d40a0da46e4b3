import { RootlessError } from '../errors.ts'

const BLOCK_BYTES = 512
/** As much as Go's archive/tar reads of one pax header. */
const MAXIMUM_PAX_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const BLANK = 0x20

/** Links, devices, folders and pipes: what their size says is not in the tar (Go's archive/tar). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6'])
const OWNERS: ReadonlySet<string> = new Set(['uid', 'gid', 'uname', 'gname'])

/**
 * A tar stream in which everything belongs to root, and else as it came: engines unpack with the owners that a tar names.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for what is no tar, or is cut
 */
export async function* toRootOwnedTar(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const rewriter = new TarRewriter()
  for await (const chunk of tar) yield* rewriter.push(chunk)
  rewriter.finish()
}

class TarRewriter {
  /** What is collected: a header, or a pax header's records with their padding. */
  #block = new Uint8Array(BLOCK_BYTES)
  #blockBytes = 0
  #paxHeader: Uint8Array | null = null
  /** Content and padding that pass as they are. */
  #passBytes = 0
  #nextSizeBytes: number | null = null
  #hasEnded = false

  /** @throws RootlessError `INVALID_ARGUMENT` when the last entry is not whole */
  finish(): void {
    if (this.#passBytes > 0 || this.#blockBytes > 0 || this.#paxHeader !== null) throw invalidTar('it is cut')
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#hasEnded || this.#passBytes > 0) {
        const passing = this.#hasEnded ? rest : rest.subarray(0, this.#passBytes)
        this.#passBytes -= this.#hasEnded ? 0 : passing.length
        rest = rest.subarray(passing.length)
        yield passing
        continue
      }
      const part = rest.subarray(0, this.#block.length - this.#blockBytes)
      this.#block.set(part, this.#blockBytes)
      this.#blockBytes += part.length
      rest = rest.subarray(part.length)
      if (this.#blockBytes === this.#block.length) yield* this.#takeBlock()
    }
  }

  *#takeBlock(): Generator<Uint8Array> {
    const block = this.#block
    const paxHeader = this.#paxHeader
    this.#expect(BLOCK_BYTES, null)
    if (paxHeader === null) return yield* this.#takeHeader(block)
    const records = readRecords(block.subarray(0, readSize(paxHeader)))
    const size = records.find(({ key }) => key === 'size')?.value
    if (size !== undefined && typeOf(paxHeader) !== 'g') this.#nextSizeBytes = Number(size)
    const kept = records.filter(({ key }) => !OWNERS.has(key)).map(({ bytes }) => bytes)
    yield writeHeader(
      paxHeader,
      kept.reduce((sum, { length }) => sum + length, 0),
    )
    yield pad(kept)
  }

  *#takeHeader(header: Uint8Array): Generator<Uint8Array> {
    if (header.every((byte) => byte === 0)) {
      this.#hasEnded = true
      yield header
      return
    }
    if (readNumber(header, 148, 8) !== sumOf(header)) throw invalidTar('there is no header where one begins')
    const type = typeOf(header)
    const sizeBytes = readSize(header)
    if (type === 'x' || type === 'g' || type === 'X') {
      if (sizeBytes > MAXIMUM_PAX_BYTES) throw invalidTar(`a pax header has ${sizeBytes} bytes`)
      if (sizeBytes === 0) yield header
      else this.#expect(toBlocks(sizeBytes), header)
      return
    }
    // Its map may go on in blocks that are no headers.
    if (type === 'S') throw invalidTar('it holds a sparse file of GNU tar; make it without --sparse')
    const isMeta = type === 'L' || type === 'K'
    this.#passBytes = WITHOUT_CONTENT.has(type) ? 0 : toBlocks(isMeta ? sizeBytes : (this.#nextSizeBytes ?? sizeBytes))
    if (!Number.isSafeInteger(this.#passBytes) || this.#passBytes < 0) throw invalidTar('an entry has no size')
    if (!isMeta) this.#nextSizeBytes = null
    yield writeHeader(header, null)
  }

  #expect(bytes: number, paxHeader: Uint8Array | null): void {
    this.#block = new Uint8Array(bytes)
    this.#blockBytes = 0
    this.#paxHeader = paxHeader
  }
}

function typeOf(header: Uint8Array): string {
  return String.fromCharCode(header[156] ?? 0)
}

function toBlocks(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}

function readSize(header: Uint8Array): number {
  return readNumber(header, 124, 12)
}

/** Octal digits, or, with the highest bit set, a number of bytes (GNU tar). */
function readNumber(header: Uint8Array, start: number, length: number): number {
  const field = header.subarray(start, start + length)
  if (((field[0] ?? 0) & 0x80) !== 0) return field.reduce((sum, byte, index) => sum * 256 + (index === 0 ? byte & 0x7f : byte), 0)
  const text = toText(field).replaceAll('\0', ' ').trim()
  return text === '' ? 0 : /^[0-7]+$/u.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

function sumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? BLANK : byte), 0)
}

function writeHeader(from: Uint8Array, sizeBytes: number | null): Uint8Array {
  const header = from.slice()
  writeText(header, 108, '0000000\0')
  writeText(header, 116, '0000000\0')
  if (toText(header.subarray(257, 262)) === 'ustar') header.fill(0, 265, 329)
  if (sizeBytes !== null) writeText(header, 124, `${sizeBytes.toString(8).padStart(11, '0')}\0`)
  writeText(header, 148, `${sumOf(header).toString(8).padStart(6, '0')}\0 `)
  return header
}

function writeText(header: Uint8Array, start: number, text: string): void {
  header.set(new TextEncoder().encode(text), start)
}

interface PaxRecord {
  readonly key: string
  readonly value: string
  readonly bytes: Uint8Array
}

/** Records as `13 uid=123456\n`, the length counting all of it. */
function readRecords(bytes: Uint8Array): readonly PaxRecord[] {
  const records: PaxRecord[] = []
  for (let start = 0; start < bytes.length;) {
    const blank = bytes.indexOf(BLANK, start)
    const length = blank === -1 ? Number.NaN : Number(toText(bytes.subarray(start, blank)))
    const record = bytes.subarray(start, start + length)
    if (!(length > blank - start + 1) || record.length !== length || record.at(-1) !== NEWLINE)
      throw invalidTar('a pax header is none')
    const [key = '', value = ''] = toText(record.subarray(blank - start + 1, -1)).split('=', 2)
    records.push({ key, value, bytes: record })
    start += length
  }
  return records
}

function pad(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(toBlocks(parts.reduce((sum, { length }) => sum + length, 0)))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}

function toText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function invalidTar(reason: string): RootlessError {
  return new RootlessError('INVALID_ARGUMENT', `what is copied in is no tar stream: ${reason}`)
}

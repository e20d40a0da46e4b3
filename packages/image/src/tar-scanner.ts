import { invalidEntry, invalidImage } from './invalid-image.ts'
import { BLOCK_BYTES, parseTarHeader, type TarEntryKind, type TarHeader, type TarKind } from './tar-header.ts'
import { parsePax, paxNumber, type PaxRecords } from './tar-pax.ts'

/** One entry of a tar, with what its pax and GNU headers say. Names are bytes: one character for each. */
export interface TarEntry {
  readonly kind: TarEntryKind
  readonly name: string
  readonly linkName: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: number
  readonly sizeBytes: number
  readonly device: readonly [major: number, minor: number]
  /** Extended attributes by name, of `SCHILY.xattr.` records. */
  readonly attributes: ReadonlyMap<string, Uint8Array>
  /** Where its content begins in the tar. */
  readonly contentAt: number
}

export interface TarScannerOptions {
  /** Names the tar in errors. */
  readonly where: string
  readonly maximumEntries: number
  onEntry(entry: TarEntry): void
  /** A piece of the content of the entry before. */
  onContent?(bytes: Uint8Array): void
  /** What the entry before holds is over; one that holds nothing has this too. */
  onContentEnd?(): void
}

/** As much as Go's archive/tar reads of one pax or GNU header. */
const MAXIMUM_META_BYTES = 1024 * 1024
const ATTRIBUTE_PREFIX = 'SCHILY.xattr.'

type MetaKind = Exclude<TarKind, TarEntryKind>
type Meta = { readonly [Kind in 'pax' | 'long-name' | 'long-link']?: Buffer }

const NO_META: Meta = {}

/** Reads a tar that is pushed through it, holding one header at a time. */
export class TarScanner {
  readonly #options: TarScannerOptions
  readonly #block = Buffer.alloc(BLOCK_BYTES)
  #blockLength = 0
  #position = 0
  #entries = 0
  #hasEnd = false
  #contentLeft = 0
  #paddingLeft = 0
  #collecting: { readonly kind: MetaKind; readonly bytes: Buffer } | undefined
  #meta: Meta = NO_META
  #lastName = ''

  constructor(options: TarScannerOptions) {
    this.#options = options
  }

  /** @throws RootlessError `IMAGE_INVALID` */
  push(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let offset = 0
    while (offset < buffer.length && !this.#hasEnd) {
      const wanted = this.#contentLeft || this.#paddingLeft || BLOCK_BYTES - this.#blockLength
      const end = Math.min(buffer.length, offset + wanted)
      this.#position += end - offset
      if (this.#contentLeft > 0) this.#takeContent(buffer.subarray(offset, end))
      else if (this.#paddingLeft > 0) this.#paddingLeft -= end - offset
      else this.#takeBlock(buffer, offset, end)
      offset = end
    }
  }

  /** Tells that nothing follows. @throws RootlessError `IMAGE_INVALID` when the tar is cut. */
  finish(): { readonly entries: number; readonly hasEnd: boolean } {
    const { where } = this.#options
    if (this.#contentLeft > 0) throw invalidEntry(where, this.#lastName, `is cut: ${this.#contentLeft} bytes are missing`)
    if (this.#blockLength > 0 || this.#paddingLeft > 0) throw invalidImage(where, 'is cut in the middle of a block')
    this.#refuseLooseMeta()
    return { entries: this.#entries, hasEnd: this.#hasEnd }
  }

  #takeContent(bytes: Uint8Array): void {
    if (this.#collecting === undefined) this.#options.onContent?.(bytes)
    else this.#collecting.bytes.set(bytes, this.#collecting.bytes.length - this.#contentLeft)
    this.#contentLeft -= bytes.length
    if (this.#contentLeft === 0) this.#endContent()
  }

  #endContent(): void {
    const collected = this.#collecting
    this.#collecting = undefined
    if (collected === undefined) this.#options.onContentEnd?.()
    // Go's reader gives a global header to nobody, and so do Docker and Podman.
    else if (collected.kind !== 'global-pax') {
      // Readers differ in which of two they believe.
      if (this.#meta[collected.kind] !== undefined)
        throw invalidImage(this.#options.where, `an entry has two ${collected.kind} headers`)
      this.#meta = { ...this.#meta, [collected.kind]: collected.bytes }
    }
  }

  /** Copied and not cut out: a million views of the chunk would be garbage. */
  #takeBlock(buffer: Buffer, start: number, end: number): void {
    buffer.copy(this.#block, this.#blockLength, start, end)
    this.#blockLength = (this.#blockLength + end - start) % BLOCK_BYTES
    if (this.#blockLength > 0) return
    if (this.#block[0] === 0 && this.#block.every((byte) => byte === 0)) {
      this.#refuseLooseMeta()
      this.#hasEnd = true
      return
    }
    const header = parseTarHeader(this.#block, this.#options.where, this.#position - BLOCK_BYTES)
    const size = isMeta(header.kind) ? this.#startMeta(header, header.kind) : this.#startEntry(header)
    this.#contentLeft = size
    this.#paddingLeft = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES
    if (size === 0) this.#endContent()
  }

  #startMeta(header: TarHeader, kind: MetaKind): number {
    const size = header.sizeBytes
    if (size > MAXIMUM_META_BYTES) throw invalidImage(this.#options.where, `a ${kind} header has ${size} bytes`)
    if (kind === 'global-pax') this.#countEntry()
    this.#collecting = { kind, bytes: Buffer.alloc(size) }
    return size
  }

  #startEntry(header: TarHeader): number {
    const entry = toEntry(header, this.#meta, this.#options.where, this.#position)
    this.#countEntry()
    this.#meta = NO_META
    this.#lastName = entry.name
    this.#options.onEntry(entry)
    return entry.sizeBytes
  }

  #countEntry(): void {
    this.#entries += 1
    const { where, maximumEntries } = this.#options
    if (this.#entries > maximumEntries) throw invalidImage(where, `has more than ${maximumEntries} entries`)
  }

  #refuseLooseMeta(): void {
    if (this.#meta !== NO_META) throw invalidImage(this.#options.where, 'the last header has no entry')
  }
}

function isMeta(kind: TarKind): kind is MetaKind {
  return kind === 'pax' || kind === 'global-pax' || kind === 'long-name' || kind === 'long-link'
}

const NO_ATTRIBUTES: ReadonlyMap<string, Uint8Array> = new Map()

function toEntry(header: TarHeader, meta: Meta, where: string, contentAt: number): TarEntry {
  const records = meta.pax === undefined ? null : parsePax(meta.pax, where)
  const name = records?.get('path')?.toString('latin1') ?? untilNul(meta['long-name']) ?? header.name
  const linkName = records?.get('linkpath')?.toString('latin1') ?? untilNul(meta['long-link']) ?? header.linkName
  if (name.includes('\0') || linkName.includes('\0')) throw invalidEntry(where, name, 'has a NUL in its name')
  const kind = toKind(header, name, where)
  const entry = {
    kind,
    name,
    linkName,
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    modifiedAt: header.modifiedAt,
    sizeBytes: kind === 'file' ? header.sizeBytes : 0,
    device: header.device,
    attributes: NO_ATTRIBUTES,
    contentAt,
  }
  if (records === null) return entry
  const number = (key: string, otherwise: number): number => {
    const record = records.get(key)
    const value = record === undefined ? otherwise : paxNumber(record)
    if (value === null || (value < 0 && key !== 'mtime')) throw invalidEntry(where, name, `has a ${key} that is none`)
    return value
  }
  return {
    ...entry,
    uid: number('uid', entry.uid),
    gid: number('gid', entry.gid),
    modifiedAt: number('mtime', entry.modifiedAt),
    sizeBytes: kind === 'file' ? number('size', entry.sizeBytes) : 0,
    attributes: toAttributes(records, name, where),
  }
}

function toAttributes(records: PaxRecords, name: string, where: string): ReadonlyMap<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>()
  for (const [key, value] of records) {
    if (key.startsWith('GNU.sparse.')) throw invalidEntry(where, name, 'is a sparse file; write the archive without --sparse')
    if (key.startsWith(ATTRIBUTE_PREFIX)) attributes.set(key.slice(ATTRIBUTE_PREFIX.length), value)
  }
  return attributes
}

function toKind(header: TarHeader, name: string, where: string): TarEntryKind {
  const { kind } = header
  if (isMeta(kind)) throw invalidEntry(where, name, 'is no entry')
  if (kind !== 'file' || !name.endsWith('/')) return kind
  // GNU tar makes a folder of it, Go a file.
  if (!header.isOldFile) throw invalidEntry(where, name, 'is a file whose name ends with a slash')
  return 'directory'
}

function untilNul(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}

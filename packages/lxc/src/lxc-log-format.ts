import type { LogEntry } from '@rootless-runtime/core'

/**
 * The log of a container: one entry after the other, each with its time and its length before it, so that any bytes can stand in it.
 * A log that was cut anywhere (a full disk, a killed supervisor) is whole up to there; the next supervisor cuts off the rest before
 * it appends. Bytes that are no entry are passed over to the next mark.
 */
const MARK = Buffer.from([0x9e, 0x52, 0x52, 0x58])
/** The mark, the length (4), milliseconds since 1970 (8), the stream (1), nothing (3). */
export const LOG_HEADER_BYTES = 20
/** A read of a pipe gives 64 KiB at most. */
const MAXIMUM_ENTRY_BYTES = 1024 * 1024
const STREAMS = ['stdout', 'stderr'] as const

export type LogStream = (typeof STREAMS)[number]

export interface TimedEntry extends LogEntry {
  readonly time: Date
}

export function encodeLogHeader(stream: LogStream, lengthBytes: number, timeMs: number): Buffer {
  const header = Buffer.alloc(LOG_HEADER_BYTES)
  MARK.copy(header)
  header.writeUInt32BE(lengthBytes, 4)
  header.writeDoubleBE(timeMs, 8)
  header.writeUInt8(STREAMS.indexOf(stream), 16)
  return header
}

/** Reads a log from its beginning, in chunks that end anywhere. */
export interface LogParser {
  push(chunk: Uint8Array): readonly TimedEntry[]
  /** Of an entry that has not come in full. */
  readonly restBytes: number
}

export function createLogParser(): LogParser {
  let rest = Buffer.alloc(0)
  return {
    push: (chunk) => {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
      const entries: TimedEntry[] = []
      let position = 0
      for (;;) {
        const found = readEntry(rest, position)
        if (found === null) break
        if (found.entry !== null) entries.push(found.entry)
        position = found.end
      }
      rest = rest.subarray(position)
      return entries
    },
    get restBytes() {
      return rest.length
    },
  }
}

/** The entry at a position, or how far the bytes there belong to none; `null` when more are needed. */
function readEntry(bytes: Buffer, position: number): { readonly entry: TimedEntry | null; readonly end: number } | null {
  if (bytes.length - position < LOG_HEADER_BYTES) return null
  const stream = STREAMS[bytes.readUInt8(position + 16)]
  const length = bytes.readUInt32BE(position + 4)
  const isEntry = bytes.subarray(position, position + MARK.length).equals(MARK)
  if (!isEntry || stream === undefined || length > MAXIMUM_ENTRY_BYTES) return { entry: null, end: nextMark(bytes, position + 1) }
  const start = position + LOG_HEADER_BYTES
  const end = start + length
  if (end > bytes.length) return null
  return { entry: { stream, data: bytes.subarray(start, end), time: new Date(bytes.readDoubleBE(position + 8)) }, end }
}

function nextMark(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(MARK, from)
  return found === -1 ? bytes.length - MARK.length + 1 : found
}

import type { LogEntry } from '@rootless-runtime/core'

/** A piece of a log, and whether a line ends with it. */
export interface LogPiece extends LogEntry {
  readonly endsLine: boolean
}

/** Reads conmon's k8s-file, the format of logs of Kubernetes' runtimes, from pieces of it. */
export interface LogParser {
  push(chunk: Buffer): readonly LogPiece[]
}

const NEWLINE = 0x0a
const BLANK = 0x20
const NOTHING = Buffer.alloc(0)

/** A parser of one file, at the beginning of a line of it. */
export function createLogParser(): LogParser {
  let rest: Buffer = NOTHING
  return {
    push: (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const pieces: LogPiece[] = []
      let start = 0
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
        const piece = parseLine(bytes.subarray(start, end + 1))
        if (piece !== null) pieces.push(piece)
        start = end + 1
      }
      rest = bytes.subarray(start)
      return pieces
    },
  }
}

/**
 * `2026-11-25T09:33:41.123456789+00:00 stdout F text`: `P` is a part of a line whose end is still to come, and has no newline of its
 * own. `null` for what is no such line, as conmon leaves one when the disk is full.
 */
function parseLine(line: Buffer): LogPiece | null {
  const first = line.indexOf(BLANK)
  const second = line.indexOf(BLANK, first + 1)
  const third = line.indexOf(BLANK, second + 1)
  if (first === -1 || second === -1 || third !== second + 2) return null
  const stream = line.toString('latin1', first + 1, second)
  const kind = line[second + 1]
  if ((stream !== 'stdout' && stream !== 'stderr') || (kind !== FULL && kind !== PARTIAL)) return null
  const time = new Date(line.toString('latin1', 0, first))
  const endsLine = kind === FULL
  const data = line.subarray(third + 1, endsLine ? line.length : line.length - 1)
  return { stream, data, time: Number.isNaN(time.getTime()) ? null : time, endsLine }
}

const FULL = 'F'.charCodeAt(0)
const PARTIAL = 'P'.charCodeAt(0)

/** The pieces of the last lines; what comes in front of them is forgotten as it goes. */
export interface LogTail {
  add(piece: LogPiece): void
  take(): readonly LogPiece[]
}

/** A line of one stream: parts of the other may lie between its own. */
interface Line {
  readonly parts: { readonly place: number; readonly piece: LogPiece }[]
}

/** Lines that are forgotten before the room they take is given back. */
const FORGOTTEN_LINES = 4096

/** @param count how many: a last one without an end is one */
export function createLogTail(count: number): LogTail {
  const open = new Map<LogPiece['stream'], Line>()
  let lines: Line[] = []
  let place = 0
  return {
    add: (piece) => {
      const line = open.get(piece.stream) ?? { parts: [] }
      line.parts.push({ place: (place += 1), piece })
      if (!piece.endsLine) return void open.set(piece.stream, line)
      open.delete(piece.stream)
      lines.push(line)
      if (lines.length > count + FORGOTTEN_LINES) lines = lines.slice(lines.length - count)
    },
    take: () => {
      const last = count === 0 ? [] : [...lines, ...open.values()].slice(-count)
      const parts = last.flatMap((line) => line.parts)
      return parts.toSorted((one, other) => one.place - other.place).map(({ piece }) => piece)
    },
  }
}

import type { Readable } from 'node:stream'
import {
  createFrameParser,
  printable,
  RootlessError,
  type FramePiece,
  type LogEntry,
  type LogOptions,
} from '@rootless-runtime/core'
import { openBody, type DockerClient } from './docker-client.ts'

/** Docker's copier cuts what is written without a newline into pieces of this size (moby, daemon/logger/copier.go). */
const PIECE_BYTES = 16 * 1024
/** What is put together at most; a frame is one piece and its time. */
const LONGEST_ENTRY_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** As Go's RFC3339NanoFixed writes it, with the blank after it. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)) /u
const TIME_BYTES = 36

/** The log of a container. One with a terminal has no frames, and so no times: Docker writes them between the command's own bytes. */
export async function* readLogs(
  client: DockerClient,
  id: string,
  terminal: boolean,
  options: LogOptions,
): AsyncIterable<LogEntry> {
  const path = `/containers/${id}/logs?${toQuery(options, terminal)}`
  const chunks: Readable = await openBody(client, { method: 'GET', path, what: `the log of ${id}` }, options)
  try {
    if (terminal) for await (const data of chunks) yield { stream: 'stdout', data, time: null }
    else yield* splitEntries(chunks)
  } finally {
    chunks.destroy()
  }
}

function toQuery({ follow = false, since, tailLines }: LogOptions, terminal: boolean): string {
  const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: terminal ? '0' : '1', follow: follow ? '1' : '0' })
  if (since !== undefined) query.set('since', (since.getTime() / 1000).toFixed(3))
  if (tailLines !== undefined) query.set('tail', String(tailLines))
  return query.toString()
}

/** Frames are put together up to a length; a longer one comes in pieces, each with the time of the first. */
async function* splitEntries(chunks: AsyncIterable<Uint8Array>): AsyncIterable<LogEntry> {
  const parser = createFrameParser()
  const endLine = createLineEnder()
  let held: FramePiece[] = []
  let bytes = 0
  let time: Date | null = null
  const take = (): readonly LogEntry[] => {
    const entry = toEntry(held, time)
    time = entry?.time ?? null
    held = []
    bytes = 0
    return entry === null ? [] : [endLine(entry)]
  }
  for await (const chunk of chunks) {
    for (const piece of parser.push(chunk)) {
      if (piece.startsFrame || bytes > LONGEST_ENTRY_BYTES) yield* take()
      held.push(piece)
      bytes += piece.data.length
    }
    if (parser.isBetweenFrames) yield* take()
  }
  yield* take()
}

function toEntry(pieces: readonly FramePiece[], timeBefore: Date | null): LogEntry | null {
  const [first] = pieces
  if (first === undefined) return null
  const whole = pieces.length === 1 ? first.data : Buffer.concat(pieces.map(({ data }) => data))
  if (first.stream !== 'stdout' && first.stream !== 'stderr') {
    const words = printable(new TextDecoder().decode(whole))
    throw new RootlessError('ENGINE_REFUSED', `Docker ends the log: ${words}`, { engine: 'docker', evidence: words })
  }
  const { stream } = first
  if (!first.startsFrame) return { stream, data: whole, time: timeBefore }
  const written = TIME.exec(new TextDecoder('latin1').decode(whole.subarray(0, TIME_BYTES)))
  if (written === null) return { stream, data: whole, time: null }
  return { stream, data: whole.subarray(written[0].length), time: new Date(written[1] ?? '') }
}

/**
 * Gives the end of a line that is longer than a piece its newline, which Docker's `local` driver forgets (20.10.24): a shorter
 * piece after a whole one ends the line. A command whose very last line is that long, and has no end, seems to have one.
 */
export function createLineEnder(): (entry: LogEntry) => LogEntry {
  const goesOn = { stdout: false, stderr: false }
  return (entry) => {
    const { stream, data } = entry
    const isWhole = data.length === PIECE_BYTES && data.at(-1) !== NEWLINE
    const isRest = goesOn[stream] && !isWhole && data.at(-1) !== NEWLINE
    goesOn[stream] = isWhole
    return isRest ? { ...entry, data: Buffer.concat([data, Buffer.of(NEWLINE)]) } : entry
  }
}

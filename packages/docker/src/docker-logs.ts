import type { Readable } from 'node:stream'
import { createFrameParser, RootlessError, type FramePiece, type LogEntry, type LogOptions } from '@rootless-runtime/core'
import { openBody, type DockerClient } from './docker-client.ts'

/** Docker cuts what is written without a newline into pieces of 16 KiB; a frame is one piece and its time. */
const LONGEST_ENTRY_BYTES = 64 * 1024

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
  let held: FramePiece[] = []
  let bytes = 0
  let time: Date | null = null
  const take = (): LogEntry | null => {
    const entry = toEntry(held, time)
    time = entry?.time ?? null
    held = []
    bytes = 0
    return entry
  }
  for await (const chunk of chunks) {
    for (const piece of parser.push(chunk)) {
      if (piece.startsFrame || bytes > LONGEST_ENTRY_BYTES) {
        const entry = take()
        if (entry !== null) yield entry
      }
      held.push(piece)
      bytes += piece.data.length
    }
    if (parser.isBetweenFrames) {
      const entry = take()
      if (entry !== null) yield entry
    }
  }
  const entry = take()
  if (entry !== null) yield entry
}

function toEntry(pieces: readonly FramePiece[], timeBefore: Date | null): LogEntry | null {
  const [first] = pieces
  if (first === undefined) return null
  const whole = pieces.length === 1 ? first.data : Buffer.concat(pieces.map(({ data }) => data))
  if (first.stream !== 'stdout' && first.stream !== 'stderr') {
    throw new RootlessError('ENGINE_REFUSED', `Docker ends the log: ${new TextDecoder().decode(whole)}`, { engine: 'docker' })
  }
  const { stream } = first
  if (!first.startsFrame) return { stream, data: whole, time: timeBefore }
  const written = TIME.exec(new TextDecoder('latin1').decode(whole.subarray(0, TIME_BYTES)))
  if (written === null) return { stream, data: whole, time: null }
  return { stream, data: whole.subarray(written[0].length), time: new Date(written[1] ?? '') }
}

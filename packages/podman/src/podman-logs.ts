import { createFrameParser, RootlessError, type LogEntry, type LogOptions, type SystemFiles } from '@rootless-runtime/core'
import type { PodmanApi } from './podman-api.ts'
import { goneError, unreadableError } from './podman-errors.ts'
import { wait } from './podman-exec.ts'
import { inspectContainer, toContainerPath } from './podman-inspect.ts'
import { readLogFile } from './podman-log-file.ts'

/** The log, piece by piece as the command wrote it: a piece is a line with its end, or a part of one. */
export async function* readLogs({ api, files }: LogParts, id: string, options: LogOptions): AsyncGenerator<LogEntry> {
  const { state, logPath } = await inspectContainer(api, id, options)
  const what = `logs of ${id}`
  const isOver = state.status === 'ended'
  const awaitEnd = async (signal: AbortSignal): Promise<void> => {
    try {
      if (!isOver) await wait(api, id, { signal })
    } catch (error) {
      if (!(error instanceof RootlessError && error.code === 'CONTAINER_NOT_FOUND')) throw error
    }
  }
  const batches = logPath === null ? askLogs(api, id, options) : readLogFile({ what, path: logPath, files, awaitEnd }, options)
  // One generator for each piece: two take twice as long, for a million lines seconds.
  for await (const batch of batches) for (const entry of batch) yield entry
}

/** What logs are read with. */
export interface LogParts {
  readonly api: PodmanApi
  readonly files: Pick<SystemFiles, 'openRead' | 'watch'>
}

/** Podman's own answer: of a container of others, whose log is in the journal. */
async function* askLogs(api: PodmanApi, id: string, options: LogOptions): AsyncGenerator<readonly LogEntry[]> {
  const { follow = false, since, tailLines } = options
  const what = `logs of ${id}`
  const query = new URLSearchParams({
    stdout: 'true',
    stderr: 'true',
    timestamps: 'true',
    follow: String(follow),
    ...(since !== undefined && { since: since.toISOString() }),
    // Podman counts before it sorts the streams apart; both are asked for, so its count is ours.
    ...(tailLines !== undefined && { tail: String(tailLines) }),
  })
  const path = `${toContainerPath(id)}/logs?${query.toString()}`
  // Following, Podman says nothing at all before there is a line.
  const timeoutMs = follow ? { timeoutMs: null } : {}
  const lost = await api.lost()
  const body = await api.open({ method: 'GET', path, what, ...timeoutMs }, options)
  const parser = createFrameParser()
  let stream: 'stdout' | 'stderr' = 'stdout'
  const parts: Uint8Array[] = []
  for await (const chunk of body) {
    const batch: LogEntry[] = []
    for (const piece of parser.push(chunk)) {
      if (piece.startsFrame && parts.length > 0) batch.push(toEntry(stream, parts.splice(0)))
      if (piece.stream !== 'stdout' && piece.stream !== 'stderr') throw unreadableError(what, `a line of ${piece.stream}`)
      stream = piece.stream
      parts.push(piece.data)
    }
    if (parser.isBetweenFrames && parts.length > 0) batch.push(toEntry(stream, parts.splice(0)))
    yield batch
  }
  if (lost.aborted || !parser.isBetweenFrames) throw goneError(what)
}

/** A frame is the time, a blank, and what was written. */
function toEntry(stream: 'stdout' | 'stderr', parts: readonly Uint8Array[]): LogEntry {
  const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  const blank = bytes.indexOf(BLANK)
  const time = new Date(Buffer.from(bytes.subarray(0, Math.max(0, blank))).toString('latin1'))
  if (Number.isNaN(time.getTime())) return { stream, data: bytes, time: null }
  return { stream, data: bytes.subarray(blank + 1), time }
}

const BLANK = 0x20

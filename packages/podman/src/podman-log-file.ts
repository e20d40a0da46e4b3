import { dirname } from 'node:path'
import { RootlessError, type LogEntry, type LogOptions, type SystemFiles } from '@rootless-runtime/core'
import { abortedError } from './podman-errors.ts'
import { createLogParser, createLogTail, type LogPiece } from './podman-log-format.ts'

/** A log of the driver k8s-file, and what is known of who writes it. */
export interface LogFile {
  readonly what: string
  readonly path: string
  readonly files: Pick<SystemFiles, 'openRead' | 'watch'>
  /** Settles when nothing more will be written. */
  readonly awaitEnd: (signal: AbortSignal) => Promise<unknown>
}

/**
 * The log from conmon's own file. Podman's answer knows whole seconds only, and with `tail` it calls the parts of a long line
 * stderr (4.3.1).
 */
export async function* readLogFile(file: LogFile, options: LogOptions): AsyncGenerator<readonly LogEntry[]> {
  const { since, tailLines, follow = false, signal } = options
  const looks = follow ? followFile(file, signal) : [readFrom(file, createPosition())]
  let tail = tailLines === undefined ? null : createLogTail(tailLines)
  const isWanted = ({ time }: LogPiece): boolean => since === undefined || time === null || time >= since
  for await (const look of looks) {
    for await (const batch of look) {
      if (signal?.aborted === true) throw abortedError(file.what, signal)
      const wanted = batch.filter(isWanted)
      if (tail === null) yield wanted
      else for (const piece of wanted) tail.add(piece)
    }
    if (tail !== null) yield tail.take()
    tail = null
  }
}

/** Pieces by the chunk: one by one they cost more than the reading. */
type Look = AsyncIterable<readonly LogPiece[]>

/** A look at what is there, one more for each change, and a last one after the end. */
async function* followFile(file: LogFile, signal: AbortSignal | undefined): AsyncGenerator<Look> {
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  const position = createPosition()
  try {
    // The folder: the file is not there before the start. Watched from before the first look, so that no change is missed.
    const changes = file.files.watch(dirname(file.path), stop.signal)[Symbol.asyncIterator]()
    let change = changes.next()
    const end = file.awaitEnd(stop.signal).then(() => 'ended' as const)
    // Whoever stops reading does not wait for it.
    end.catch(() => {})
    for (;;) {
      yield readFrom(file, position)
      const next = await Promise.race([end, change.then(() => 'changed' as const)])
      if (signal?.aborted === true) throw abortedError(file.what, signal)
      if (next === 'ended') break
      change = changes.next()
    }
    yield readFrom(file, position)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop.abort()
  }
}

interface Position {
  bytes: number
  readonly parser: ReturnType<typeof createLogParser>
}

function createPosition(): Position {
  return { bytes: 0, parser: createLogParser() }
}

async function* readFrom({ files, path }: LogFile, position: Position): Look {
  try {
    for await (const chunk of await files.openRead(path, { startByte: position.bytes })) {
      const bytes = Buffer.from(chunk)
      position.bytes += bytes.length
      yield position.parser.push(bytes)
    }
  } catch (error) {
    // Of one that was never started there is none, and of one that was removed there is none any more.
    if (!(error instanceof RootlessError && error.evidence === 'ENOENT')) throw error
  }
}

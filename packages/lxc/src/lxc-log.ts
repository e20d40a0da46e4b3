import type { LogEntry, LogOptions, Machine } from '@rootless-runtime/core'
import { createLogParser, type TimedEntry } from './lxc-log-format.ts'
import { throwIfAborted } from './lxc-mapped.ts'
import { CONTAINER_FILES } from './lxc-messages.ts'

/** Where a log is read, and when nothing more comes. */
export interface LogSource {
  readonly machine: Machine
  readonly folder: string
  /** Settles after the end of the container; its log is whole then. At once when it does not run. */
  readonly ended: (signal: AbortSignal) => Promise<unknown>
}

/** The log as its options want it. */
export async function* readLog(source: LogSource, options: LogOptions): AsyncIterable<LogEntry> {
  const { follow = false, since, tailLines, signal } = options
  const isWanted = ({ time }: TimedEntry): boolean => since === undefined || time >= since
  const log = createLogReader(source)
  if (tailLines === undefined) {
    for await (const entry of log.readToEnd()) if (isWanted(entry)) yield entry
  } else yield* await readTail(log, isWanted, tailLines)
  if (!follow) return
  const stop = new AbortController()
  const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  let isEnded = false
  void source
    .ended(either)
    .catch(() => {})
    .then(() => {
      isEnded = true
      stop.abort()
    })
  try {
    for await (const _ of watchFrom(source, either)) yield* keep(log.readToEnd(), isWanted)
    throwIfAborted(signal)
    if (isEnded) yield* keep(log.readToEnd(), isWanted)
  } finally {
    stop.abort()
  }
}

/** One change at least is told at once: what was written before the watch began would else stay unread. */
async function* watchFrom({ machine, folder }: LogSource, signal: AbortSignal): AsyncIterable<void> {
  const changes = machine.files.watch(`${folder}/${CONTAINER_FILES.log}`, signal)[Symbol.asyncIterator]()
  let next = changes.next()
  yield
  while ((await next).done !== true) {
    next = changes.next()
    yield
  }
}

async function* keep(entries: AsyncIterable<TimedEntry>, isWanted: (entry: TimedEntry) => boolean): AsyncIterable<TimedEntry> {
  for await (const entry of entries) if (isWanted(entry)) yield entry
}

interface LogReader {
  /** From where the last reading ended to the end of the file now. */
  readToEnd(): AsyncIterable<TimedEntry>
}

function createLogReader({ machine, folder }: LogSource): LogReader {
  const path = `${folder}/${CONTAINER_FILES.log}`
  const parser = createLogParser()
  let position = 0
  return {
    readToEnd: async function* () {
      // A container that never ran has none.
      if ((await machine.status(path)).status !== 'ok') return
      for await (const chunk of await machine.files.openRead(path, { startByte: position })) {
        const bytes = Buffer.from(chunk)
        position += bytes.length
        yield* parser.push(bytes)
      }
    },
  }
}

const NEW_LINE = 0x0a

/** The last lines of both streams together, as Docker counts them. */
async function readTail(
  log: LogReader,
  isWanted: (entry: TimedEntry) => boolean,
  tailLines: number,
): Promise<readonly TimedEntry[]> {
  let kept: { readonly entry: TimedEntry; readonly lines: number }[] = []
  let lines = 0
  for await (const entry of keep(log.readToEnd(), isWanted)) {
    // The parser's bytes are a view of a chunk, and the chunk would stay with them.
    const copied = { ...entry, data: Buffer.from(entry.data) }
    kept.push({ entry: copied, lines: countLines(copied.data) })
    lines += kept.at(-1)?.lines ?? 0
    let dropped = 0
    // One entry more than needed stays: its end may be the beginning of the first line.
    while (dropped < kept.length - 1 && lines - (kept[dropped]?.lines ?? 0) > tailLines) {
      lines -= kept[dropped]?.lines ?? 0
      dropped += 1
    }
    if (dropped > 0) kept = kept.slice(dropped)
  }
  return cutToLines(
    kept.map(({ entry }) => entry),
    tailLines,
  )
}

/** Leaves the last lines; one without its end is a line too. */
export function cutToLines(entries: readonly TimedEntry[], tailLines: number): readonly TimedEntry[] {
  if (tailLines <= 0) return []
  const endsInLine = entries.at(-1)?.data.at(-1) !== NEW_LINE
  let endsToPass = endsInLine ? tailLines : tailLines + 1
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index]
    if (entry === undefined) break
    for (let position = entry.data.byteLength - 1; position >= 0; position -= 1) {
      if (entry.data[position] !== NEW_LINE) continue
      endsToPass -= 1
      if (endsToPass > 0) continue
      const rest = { ...entry, data: entry.data.subarray(position + 1) }
      return [...(rest.data.byteLength === 0 ? [] : [rest]), ...entries.slice(index + 1)]
    }
  }
  return entries
}

function countLines(data: Uint8Array): number {
  let lines = 0
  for (let position = data.indexOf(NEW_LINE); position !== -1; position = data.indexOf(NEW_LINE, position + 1)) lines += 1
  return lines
}

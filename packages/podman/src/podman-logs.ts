import { createFrameParser, type Call, type ContainerEvent, type LogEntry, type LogOptions } from '@rootless-runtime/core'
import { z } from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { goneError, unreadableError } from './podman-errors.ts'

/** The log, piece by piece as the command wrote it: a piece is a line with its end, or a part of one. */
export async function* readLogs(api: PodmanApi, id: string, options: LogOptions): AsyncIterable<LogEntry> {
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
  const path = `/containers/${encodeURIComponent(id)}/logs?${query.toString()}`
  // Following, Podman says nothing at all before there is a line.
  const timeoutMs = follow ? { timeoutMs: null } : {}
  const lost = await api.lost()
  const body = await api.open({ method: 'GET', path, what, ...timeoutMs }, options)
  const parser = createFrameParser()
  let entry: { readonly stream: 'stdout' | 'stderr'; readonly parts: Uint8Array[] } | null = null
  for await (const chunk of body) {
    for (const { stream, data, startsFrame } of parser.push(chunk)) {
      if (startsFrame && entry !== null) yield toEntry(entry.stream, entry.parts)
      if (stream !== 'stdout' && stream !== 'stderr') throw unreadableError(what, `a line of ${stream}`)
      if (startsFrame || entry === null) entry = { stream, parts: [data] }
      else entry.parts.push(data)
    }
    if (parser.isBetweenFrames && entry !== null) {
      yield toEntry(entry.stream, entry.parts)
      entry = null
    }
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

/** Podman's words for what happened to a container, in ours; the others are about mounts, exec and attaching. */
const EVENTS: ReadonlyMap<string, ContainerEvent['event']> = new Map([
  ['create', 'created'],
  ['start', 'started'],
  ['died', 'ended'],
  ['die', 'ended'],
  ['pause', 'paused'],
  ['unpause', 'resumed'],
  ['remove', 'removed'],
])

const happened = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
  timeNano: z.number(),
})

/** What happens to containers from the call on. */
export async function* readEvents(api: PodmanApi, call: Call): AsyncIterable<ContainerEvent> {
  const what = 'events'
  const query = new URLSearchParams({
    stream: 'true',
    filters: JSON.stringify({ type: ['container'] }),
    // Podman begins to watch somewhat later than it is asked to.
    since: new Date().toISOString(),
  })
  const body = await api.open({ method: 'GET', path: `/events?${query.toString()}`, what, timeoutMs: null }, call)
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = line.trim() === '' ? null : parseEvent(line, what)
      if (event !== null) yield event
    }
  }
  throw goneError(what)
}

/** `null` for what is not about a container's life. */
export function parseEvent(line: string, what: string): ContainerEvent | null {
  const parsed = happened.safeParse(parseLine(line, what))
  if (!parsed.success) throw unreadableError(what, z.prettifyError(parsed.error))
  const { Action, Actor, timeNano } = parsed.data
  const event = EVENTS.get(Action)
  if (event === undefined) return null
  return { event, id: Actor.ID, name: Actor.Attributes['name'] ?? Actor.ID, time: new Date(timeNano / 1e6) }
}

function parseLine(line: string, what: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw unreadableError(what, `no JSON: ${line.slice(0, 80)}`)
  }
}

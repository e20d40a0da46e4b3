import type { Writable } from 'node:stream'
import { once } from 'node:events'
import type { LogEntry, LogOptions } from 'rootless-runtime'
import type { ContainersWords } from '../containers/each-container.ts'
import { becomeOwner } from '../become.ts'
import { findContainer } from '../containers/engines.ts'
import { invalidOption } from '../containers/invalid-option.ts'
import { parseNumber } from '../containers/parse-size.ts'
import { EXIT, type Io } from '../io.ts'

export interface LogsWords extends ContainersWords {
  readonly follow?: boolean
  readonly since?: string
  readonly tail?: string
  readonly timestamps?: boolean
}

/** `rootless logs CONTAINER`: what it said, stdout and stderr apart, byte for byte. */
export async function logs(name: string, words: LogsWords, io: Io): Promise<number> {
  const options = toLogOptions(words, new Date())
  await becomeOwner(words.user, '--user', io)
  const container = await findContainer(name, words)
  const write = words.timestamps === true ? createStamping(io) : (entry: LogEntry) => put(io, entry.stream, entry.data)
  for await (const entry of container.logs({ ...options, signal: io.signal })) await write(entry)
  return EXIT.fine
}

/** The part of the log that was asked for. */
export function toLogOptions(words: Pick<LogsWords, 'follow' | 'since' | 'tail'>, now: Date): LogOptions {
  const { follow, since, tail } = words
  return {
    ...(follow === true && { follow }),
    ...(since !== undefined && { since: parseSince(since, now) }),
    ...(tail !== undefined && tail !== 'all' && { tailLines: parseNumber('--tail', tail) }),
  }
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** A time (RFC 3339), seconds since 1970, or how long ago: `10m`, `2h`. */
function parseSince(text: string, now: Date): Date {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([smhd]?)$/u.exec(text) ?? []
  const time = amount === undefined ? parseTime(text) : toTime(Number(amount), UNIT_MS.get(unit), now)
  // A date of JavaScript ends in the year 275760.
  if (Number.isNaN(time.getTime())) throw invalidOption('--since', text, 'a time as 2026-01-31T12:00:00Z, or how long ago: 10m')
  return time
}

function parseTime(text: string): Date {
  return new Date(/^\d{4}-\d{2}-\d{2}/u.test(text) ? text : Number.NaN)
}

function toTime(amount: number, unitMs: number | undefined, now: Date): Date {
  return new Date(unitMs === undefined ? amount * 1000 : now.getTime() - amount * unitMs)
}

async function put({ foreground }: Io, stream: LogEntry['stream'], data: Uint8Array): Promise<void> {
  const target: Writable = foreground[stream]
  if (!target.write(data)) await once(target, 'drain')
}

const NEWLINE = 0x0a

/** Each line begins with its time. Lines may come in pieces, and those of the two streams mixed. */
function createStamping(io: Io): (entry: LogEntry) => Promise<void> {
  const within = { stdout: false, stderr: false }
  return async ({ stream, data, time }) => {
    const stamp = Buffer.from(`${time === null ? 'unknown' : time.toISOString()} `)
    const parts: Uint8Array[] = []
    for (let start = 0; start < data.length;) {
      const newline = data.indexOf(NEWLINE, start)
      const end = newline === -1 ? data.length : newline + 1
      if (!within[stream]) parts.push(stamp)
      parts.push(data.subarray(start, end))
      within[stream] = newline === -1
      start = end
    }
    await put(io, stream, Buffer.concat(parts))
  }
}

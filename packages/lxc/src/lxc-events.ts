import { posix } from 'node:path'
import type { Call, ContainerEvent, Machine } from '@rootless-runtime/core'
import { encodeEvent, toEventsFile, toEventsFolder } from './lxc-event-lines.ts'
import { throwIfAborted } from './lxc-mapped.ts'
import { parseNote } from './lxc-notes.ts'

const EVENTS: ReadonlySet<string> = new Set(['created', 'started', 'ended', 'paused', 'resumed', 'removed'])

/** The events of whole lines. Lines of somebody else's are passed over. */
export function parseEvents(lines: readonly string[]): readonly ContainerEvent[] {
  return lines.flatMap((line) => {
    const note = parseNote(line)
    return note !== null && isEvent(note) ? [{ event: note.event, id: note.id, name: note.name, time: new Date(note.time) }] : []
  })
}

function isEvent(note: object): note is Omit<ContainerEvent, 'time'> & { readonly time: number } {
  if (!('event' in note && 'id' in note && 'name' in note && 'time' in note)) return false
  const { event, id, name, time } = note
  return (
    typeof event === 'string' &&
    EVENTS.has(event) &&
    typeof id === 'string' &&
    typeof name === 'string' &&
    typeof time === 'number'
  )
}

export async function noteEvent(machine: Machine, root: string, event: Omit<ContainerEvent, 'time'>): Promise<void> {
  const time = new Date()
  const folder = toEventsFolder(root)
  const line = encodeEvent({ ...event, time })
  await machine.files.makeDirectory(folder)
  await machine.files.append(posix.join(folder, toEventsFile(time)), line)
}

/** Events from now on, until the signal fires. @throws RootlessError `ABORTED` */
export async function* followEvents(machine: Machine, root: string, { signal }: Call): AsyncIterable<ContainerEvent> {
  const folder = toEventsFolder(root)
  await machine.files.makeDirectory(folder)
  const reading = { file: toEventsFile(new Date()), position: 0 }
  const stop = signal ?? new AbortController().signal
  const changes = machine.files.watch(folder, stop)[Symbol.asyncIterator]()
  // The watch begins with its first question.
  let change = changes.next()
  await readLines(machine, folder, reading)
  while (!stop.aborted) {
    if ((await change).done === true) break
    change = changes.next()
    yield* parseEvents(await readLines(machine, folder, reading))
    const today = toEventsFile(new Date())
    if (today === reading.file) continue
    Object.assign(reading, { file: today, position: 0 })
    yield* parseEvents(await readLines(machine, folder, reading))
  }
  throwIfAborted(stop)
}

/** The lines from a position on; the last one stays until it is whole. */
async function readLines(
  machine: Machine,
  folder: string,
  reading: { readonly file: string; position: number },
): Promise<readonly string[]> {
  const path = posix.join(folder, reading.file)
  if ((await machine.status(path)).status !== 'ok') return []
  const chunks: Buffer[] = []
  for await (const chunk of await machine.files.openRead(path, { startByte: reading.position })) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  const whole = bytes.lastIndexOf('\n') + 1
  reading.position += whole
  return bytes.subarray(0, whole).toString().split('\n')
}

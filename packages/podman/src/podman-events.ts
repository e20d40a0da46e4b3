import type { Call, ContainerEvent } from '@rootless-runtime/core'
import { z } from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { goneError, unreadableError } from './podman-errors.ts'

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
export async function* readEvents(api: PodmanApi, hasCgroup: () => Promise<boolean>, call: Call): AsyncIterable<ContainerEvent> {
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
      // Podman tells of a pause that it refused, too: without a cgroup of the container's own it refuses each (4.3.1).
      if (event !== null && (event.event !== 'paused' || (await hasCgroup()))) yield event
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

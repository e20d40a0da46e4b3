import type { Call, ContainerEvent } from '@rootless-runtime/core'
import * as z from 'zod'
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

/** How long Podman may take to begin to watch. 3.0 says nothing before there is an event. */
const BEGIN_MS = 500

/**
 * What happens to containers from the call on. When Podman shortens its log of events, it ends a stream that began in the past and
 * tells one that did not half of it again (4.3.1), so the past is asked for apart, and nothing is told twice.
 */
export function readEvents(api: PodmanApi, hasCgroup: () => Promise<boolean>, call: Call): AsyncGenerator<ContainerEvent> {
  return follow(api, hasCgroup, new Date(), call)
}

async function* follow(
  api: PodmanApi,
  hasCgroup: () => Promise<boolean>,
  since: Date,
  call: Call,
): AsyncGenerator<ContainerEvent> {
  const isNew = createMemory()
  let asked = since
  for (;;) {
    const lost = await api.lost()
    const opening = ask(api, { stream: 'true' }, call)
    opening.catch(() => {})
    await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, BEGIN_MS))])
    const past = ask(api, { stream: 'false', since: asked.toISOString() }, call)
    for (const body of [past, opening]) {
      for await (const event of readEach(await body)) {
        // Podman tells of a pause that it refused, too: without a cgroup of the container's own it refuses each (4.3.1).
        if (event.time < since || !isNew(event) || (event.event === 'paused' && !(await hasCgroup()))) continue
        yield event
        asked = event.time
      }
    }
    if (lost.aborted) throw goneError(WHAT)
  }
}

const WHAT = 'events'

function ask(api: PodmanApi, query: Readonly<Record<string, string>>, call: Call): Promise<AsyncIterable<Uint8Array>> {
  const parameters = new URLSearchParams({ ...query, filters: JSON.stringify({ type: ['container'] }) })
  return api.open({ method: 'GET', path: `/events?${parameters.toString()}`, what: WHAT, timeoutMs: null }, call)
}

async function* readEach(body: AsyncIterable<Uint8Array>): AsyncGenerator<ContainerEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = line.trim() === '' ? null : parseEvent(line, WHAT)
      if (event !== null) yield event
    }
  }
}

/** More than Podman tells again at once: half of a log of a megabyte. */
const REMEMBERED_EVENTS = 8192

/** Whether an event was not told before. */
function createMemory(): (event: ContainerEvent) => boolean {
  const known = new Set<string>()
  return ({ event, id, time }) => {
    const key = `${time.getTime()} ${event} ${id}`
    if (known.has(key)) return false
    known.add(key)
    const oldest = known.size > REMEMBERED_EVENTS ? known.values().next().value : undefined
    if (oldest !== undefined) known.delete(oldest)
    return true
  }
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

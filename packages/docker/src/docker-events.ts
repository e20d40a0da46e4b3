import type { Call, ContainerEvent } from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { readJsonLines } from './docker-json-lines.ts'

const EVENTS: ReadonlyMap<string, ContainerEvent['event']> = new Map([
  ['create', 'created'],
  ['start', 'started'],
  ['die', 'ended'],
  ['pause', 'paused'],
  ['unpause', 'resumed'],
  ['destroy', 'removed'],
])

const eventLine = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.object({ name: z.string().optional() }) }),
  timeNano: z.number(),
})

/** What happens to containers after `since`. Docker keeps the last 256 events, so none is missed while it is asked. */
export async function* readEvents(client: DockerClient, since: Date, call: Call): AsyncIterable<ContainerEvent> {
  const filters = JSON.stringify({ type: ['container'], event: [...EVENTS.keys()] })
  const query = new URLSearchParams({ filters, since: (since.getTime() / 1000).toFixed(3) })
  const what = 'listening for events'
  const body = await openBody(client, { method: 'GET', path: `/events?${query.toString()}`, what }, call)
  try {
    for await (const line of readJsonLines(body)) {
      const { Action, Actor, timeNano } = parseReply(eventLine, { text: line }, what)
      const event = EVENTS.get(Action)
      if (event !== undefined) yield { event, id: Actor.ID, name: Actor.Attributes.name ?? '', time: new Date(timeNano / 1e6) }
    }
  } finally {
    body.destroy()
  }
}

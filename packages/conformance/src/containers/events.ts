import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerEvent } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { eventually } from './collect.ts'

/** Watches while the work is done, and until this event of it was seen or the patience is over. */
async function watch(
  bench: Bench,
  last: ContainerEvent['event'],
  work: () => Promise<string>,
): Promise<readonly ContainerEvent[]> {
  const stop = new AbortController()
  const seen: ContainerEvent[] = []
  const watching = (async () => {
    for await (const event of bench.runtime.containers.events({ signal: stop.signal })) seen.push(event)
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  // What the engine subscribes to late is not in the promise: "from now on" is when the caller began to read.
  await sleep(1000)
  const name = await work()
  await eventually(async () => seen.some((event) => event.name === name && event.event === last))
  stop.abort()
  await watching
  return seen.filter((event) => event.name === name)
}

/** What happens, as it happens. */
export const EVENTS = {
  'events-one-life': behaviour('the events of one life come in their order', async (bench) => {
    const events = await watch(bench, 'removed', async () => {
      const container = await bench.create({ command: ['true'] })
      await container.start()
      await container.wait()
      await container.remove()
      return container.name
    })
    expect(events.map(({ event }) => event)).toEqual(['created', 'started', 'ended', 'removed'])
  }),
  'events-facts': behaviour('an event names the container and the time', async (bench) => {
    let id = ''
    const events = await watch(bench, 'created', async () => {
      const container = await bench.create()
      id = container.id
      return container.name
    })
    expect(events[0]).toMatchObject({ event: 'created', id })
    expect(Math.abs((events[0]?.time.getTime() ?? 0) - Date.now())).toBeLessThan(120_000)
  }),
  'events-restart': behaviour('a second start is told as well', async (bench) => {
    const events = await watch(bench, 'removed', async () => {
      const container = await bench.run({ command: ['true'] })
      await container.wait()
      await container.start()
      await container.wait()
      await container.remove()
      return container.name
    })
    const told = events.map(({ event }) => event)
    expect(told).toEqual(['created', 'started', 'ended', 'started', 'ended', 'removed'])
  }),
}

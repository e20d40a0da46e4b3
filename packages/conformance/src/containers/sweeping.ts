import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import type { ContainerOptions } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'

/** Another process of this library that owns a container. */
async function startOwner(bench: Bench, options: ContainerOptions) {
  const answer = await bench.machine.spawn({ ...bench.owner(options), lifetime: 'caller' })
  if (answer.status !== 'ok') throw new Error(answer.reason)
  const { stdout, stderr, kill, ended } = answer.value
  const complaint = text(stderr)
  const [line] = await stdout.take(1).toArray()
  const name = String(line ?? '').trim()
  if (name === '') throw new Error(`the owner made no container: ${await complaint}`)
  const die = async (): Promise<void> => {
    kill('SIGKILL')
    await ended
  }
  return { name, die }
}

/** Containers whose owner is gone are removed; never another's. */
export const SWEEPING = {
  'sweep-dead-owner': behaviour('a running container of a process that was killed is swept', async (bench) => {
    const { name, die } = await startOwner(bench, bench.options())
    expect(await bench.left()).toEqual([name])
    await die()
    const { removed, failed } = await bench.runtime.containers.sweep()
    expect(failed.filter((each) => each.name.startsWith(bench.mark))).toEqual([])
    expect(removed).toContain(name)
    expect(await bench.left()).toEqual([])
  }),
  'sweep-living-owner': behaviour('a container of another process that lives is kept', async (bench) => {
    const { name, die } = await startOwner(bench, bench.options())
    try {
      const { removed } = await bench.runtime.containers.sweep()
      expect(removed).not.toContain(name)
      expect((await (await bench.runtime.containers.get(name)).inspect()).status).toBe('running')
    } finally {
      await die()
    }
  }),
  'sweep-own': behaviour('the containers of this process are kept', async (bench) => {
    const container = await bench.create()
    const { removed } = await bench.runtime.containers.sweep()
    expect(removed).not.toContain(container.name)
    expect((await container.inspect()).status).toBe('created')
  }),
  'sweep-nobody': behaviour('a container that is nobody’s is kept when its maker is gone', async (bench) => {
    const { name, die } = await startOwner(bench, bench.options({ owner: 'nobody' }))
    await die()
    expect((await bench.runtime.containers.sweep()).removed).not.toContain(name)
    expect(await bench.left()).toEqual([name])
  }),
  'sweep-ended': behaviour('an ended container of a process that was killed is swept too', async (bench) => {
    const { name, die } = await startOwner(bench, bench.options({ command: ['true'] }))
    await die()
    await sleep(500)
    expect((await bench.runtime.containers.sweep()).removed).toContain(name)
    expect(await bench.left()).toEqual([])
  }),
  'sweep-twice': behaviour('two sweeps at once remove each container once, and neither fails', async (bench) => {
    const { name, die } = await startOwner(bench, bench.options())
    await die()
    const sweeps = await Promise.all([bench.runtime.containers.sweep(), bench.runtime.containers.sweep()])
    expect(sweeps.flatMap(({ failed }) => failed).filter((each) => each.name === name)).toEqual([])
    expect(sweeps.some(({ removed }) => removed.includes(name))).toBe(true)
    expect(await bench.left()).toEqual([])
  }),
  'sweep-foreign': behaviour('a container that this library did not make is not listed as ours, and not swept', async (bench) => {
    const { foreign, machine, runtime } = bench
    const name = `${bench.mark}-foreign`
    const run = async ([file = '', ...words]: readonly string[]): Promise<number> => {
      const ended = await machine.run({ file, arguments: words, timeoutMs: 30_000 })
      if (ended.status !== 'exited') throw new Error(ended.reason)
      return ended.exitCode
    }
    expect(await run(foreign.make(name, bench.image))).toBe(0)
    try {
      expect((await runtime.containers.list()).map((state) => state.name)).not.toContain(name)
      expect((await runtime.containers.sweep()).removed).not.toContain(name)
      expect(await run(foreign.look(name))).toBe(0)
    } finally {
      await run(foreign.remove(name))
    }
    expect(await run(foreign.look(name))).not.toBe(0)
  }),
}

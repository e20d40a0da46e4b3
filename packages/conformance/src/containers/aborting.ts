import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, Container } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { collectLog, eventually } from './collect.ts'
import { codeOf, expectCode } from './expect-code.ts'

const MOMENTS_MS = [0, 5, 20, 50, 100, 200, 400, 800]

async function* hang(): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(512)
  await sleep(30_000, undefined, { ref: false })
}

/** Every call that takes a signal, with arguments that would do. */
function listCalls(
  { runtime: { containers, images, networks, volumes }, image, name }: Bench,
  container: Container,
  call: Call,
): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    get: () => containers.get(container.name, call),
    sweep: () => containers.sweep(call),
    'images.inspect': () => images.inspect(image, call),
    'images.remove': () => images.remove(image, call),
    'images.export': () => images.export(image, call),
    'networks.list': () => networks.list(call),
    'networks.create': () => networks.create(name(), call),
    'volumes.list': () => volumes.list(call),
    'volumes.create': () => volumes.create(name(), call),
    inspect: () => container.inspect(call),
    start: () => container.start(call),
    open: () => container.open(['true'], call),
    logs: () => collectLog(container, call),
    stats: () => container.stats(call),
    stop: () => container.stop(call),
    kill: () => container.kill('SIGKILL', call),
    pause: () => container.pause(call),
    resume: () => container.resume(call),
    copyOut: () => container.copyOut('/srv', call),
    commit: () => container.commit(`${name()}:latest`, call),
    health: () => container.health(call),
    hostAddress: () => container.hostAddress(call),
    remove: () => container.remove({ force: true, ...call }),
  }
}

/** The caller's signal ends every call, and nothing half-made stays. */
export const ABORTING = {
  'abort-before-create': behaviour('a signal that has fired makes nothing', async (bench) => {
    const call = { signal: AbortSignal.abort() }
    const { containers } = bench.runtime
    await expectCode('ABORTED', containers.create(bench.options(), call))
    await expectCode('ABORTED', containers.run(bench.options(), call))
    await expectCode('ABORTED', containers.runToEnd({ ...bench.options({ command: ['true'] }), ...call }))
    await expectCode('ABORTED', containers.list(call))
    await expectCode('ABORTED', bench.runtime.images.list(call))
    expect(await bench.left()).toEqual([])
  }),
  'abort-every-call': behaviour('a signal that has fired ends every call, whatever it would have answered', async (bench) => {
    const container = await bench.run()
    const codes = await Promise.all(
      Object.entries(listCalls(bench, container, { signal: AbortSignal.abort() })).map(async ([name, call]) => [
        name,
        await codeOf(call()),
      ]),
    )
    expect(codes.filter(([, code]) => code !== 'ABORTED')).toEqual([])
    expect((await container.inspect()).status).toBe('running')
    expect(await bench.left()).toEqual([container.name])
  }),
  'abort-during-create': behaviour('a signal during create leaves nothing, at whatever moment', async (bench) => {
    for (const ms of MOMENTS_MS) {
      const making = bench.runtime.containers.create(bench.options(), { signal: AbortSignal.timeout(ms) })
      const made = await making.catch((error: unknown) => expectCode('ABORTED', Promise.reject(error)))
      if ('remove' in made) await made.remove()
      expect([ms, await bench.left()]).toEqual([ms, []])
    }
  }),
  'abort-during-run': behaviour(
    'a signal during run leaves nothing, at whatever moment',
    async (bench) => {
      for (const ms of MOMENTS_MS) {
        const running = bench.runtime.containers.run(bench.options(), { signal: AbortSignal.timeout(ms) })
        const run = await running.catch((error: unknown) => expectCode('ABORTED', Promise.reject(error)))
        if ('remove' in run) await run.remove({ force: true })
        expect([ms, await bench.left()]).toEqual([ms, []])
      }
    },
    { timeoutMs: 120_000 },
  ),
  'abort-run-to-end': behaviour('a signal ends a command that runs to its end, and nothing is left', async (bench) => {
    const options = bench.options({ command: ['sleep', '1000'] })
    await expectCode('ABORTED', bench.runtime.containers.runToEnd({ ...options, signal: AbortSignal.timeout(2000) }))
    expect(await bench.left()).toEqual([])
  }),
  'abort-start': behaviour('a signal that has fired starts nothing', async (bench) => {
    const container = await bench.create()
    await expectCode('ABORTED', container.start({ signal: AbortSignal.abort() }))
    expect((await container.inspect()).status).toBe('created')
  }),
  'abort-exec': behaviour('a signal ends a command inside, and the container goes on', async (bench) => {
    const container = await bench.run()
    const started = performance.now()
    await expectCode('ABORTED', container.exec(['sleep', '4321'], { signal: AbortSignal.timeout(1500) }))
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(await container.exec(['echo', 'on'])).toMatchObject({ stdout: 'on\n' })
  }),
  'abort-exec-process': behaviour('a signal ends the process of a command inside too', async (bench) => {
    const container = await bench.run()
    await expectCode('ABORTED', container.exec(['sleep', '4321'], { signal: AbortSignal.timeout(1500) }))
    const isGone = async (): Promise<boolean> =>
      (await container.exec(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" "_" | grep -c sleep_432[1]_'])).stdout === '0\n'
    expect(await eventually(isGone, 5000)).toBe(true)
  }),
  'abort-logs': behaviour('a signal ends a followed log', async (bench) => {
    const container = await bench.shared()
    const started = performance.now()
    await expectCode('ABORTED', collectLog(container, { follow: true, signal: AbortSignal.timeout(1000) }))
    expect(performance.now() - started).toBeLessThan(10_000)
  }),
  'abort-wait': behaviour('a signal ends waiting, and the container goes on', async (bench) => {
    const container = await bench.run()
    await expectCode('ABORTED', container.wait({ signal: AbortSignal.timeout(500) }))
    expect((await container.inspect()).status).toBe('running')
  }),
  'abort-wait-for': behaviour('a signal ends waiting for something', async (bench) => {
    const container = await bench.shared()
    const call = { signal: AbortSignal.timeout(500), timeoutMs: 30_000 }
    await expectCode('ABORTED', container.waitFor({ log: 'never' }, call))
    await expectCode('ABORTED', container.waitFor({ probe: async () => false }, { ...call, signal: AbortSignal.timeout(500) }))
  }),
  'abort-stop': behaviour('a signal ends waiting for a stop', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'] })
    await container.waitFor({ log: 'ready' })
    await expectCode('ABORTED', container.stop({ timeoutMs: 30_000, signal: AbortSignal.timeout(500) }))
    expect((await container.inspect()).status).toBe('running')
  }),
  'abort-events': behaviour('a signal ends watching', async (bench) => {
    const watching = (async () => {
      for await (const { name } of bench.runtime.containers.events({ signal: AbortSignal.timeout(1000) })) void name
    })()
    await expectCode('ABORTED', watching)
  }),
  'abort-load': behaviour('a signal that has fired loads no image', async (bench) => {
    const { images } = bench.runtime
    await expectCode('ABORTED', images.load(`${bench.folder}/image.tar`, { signal: AbortSignal.abort() }))
  }),
  'abort-load-hanging': behaviour('a signal ends loading from a stream that never ends', async (bench) => {
    const started = performance.now()
    await expectCode('ABORTED', bench.runtime.images.load(hang(), { signal: AbortSignal.timeout(500) }))
    expect(performance.now() - started).toBeLessThan(10_000)
  }),
}

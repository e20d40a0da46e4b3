import { setTimeout as sleep } from 'node:timers/promises'
import { Readable } from 'node:stream'
import type { Container } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { collectLog, eventually, toText } from './collect.ts'
import { codeOf, expectCode } from './expect-code.ts'
import { buildTestImage, toDockerArchive } from './test-image.ts'

const LOOP = 'echo ready; while :; do sleep 0.1; done'

/** A container whose shell has set its traps. */
async function trapping(bench: Bench, traps: string, more: { stopSignal?: string; image?: string } = {}): Promise<Container> {
  const container = await bench.run({ command: ['sh', '-c', `${traps}; ${LOOP}`], ...more })
  await container.waitFor({ log: 'ready' })
  return container
}

/** Ending, killing, freezing. */
export const SIGNALS = {
  'stop-asks': behaviour('stop asks the command to end by SIGTERM', async (bench) => {
    const container = await trapping(bench, 'trap "echo asked; exit 3" TERM')
    await container.stop()
    expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 3 })
    expect(toText(await collectLog(container))).toBe('ready\nasked\n')
  }),
  'stop-ends': behaviour('stop ends a command that does not listen, after the time given', async (bench) => {
    const container = await trapping(bench, 'trap "" TERM')
    const started = performance.now()
    await container.stop({ timeoutMs: 1000 })
    expect(performance.now() - started).toBeGreaterThan(900)
    expect(performance.now() - started).toBeLessThan(8000)
    expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 137 })
  }),
  'stop-ended': behaviour('stopping a container that has ended is fine', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'exit 4'] })
    await container.wait()
    await container.stop()
    expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 4 })
  }),
  'stop-removed': behaviour('stopping is fine when another removes the container in the moment it ends', async (bench) => {
    const container = await trapping(bench, 'trap "exit 3" TERM')
    const removed = container.wait().then(() => container.remove())
    await Promise.all([container.stop({ timeoutMs: 0 }), removed])
    await expect(container.inspect()).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' })
  }),
  'stop-signal-given': behaviour('stop sends the signal that was given for it', async (bench) => {
    const container = await trapping(bench, 'trap "exit 21" USR1', { stopSignal: 'SIGUSR1' })
    await container.stop()
    expect((await container.wait()).exitCode).toBe(21)
  }),
  'stop-signal-image': behaviour('stop sends the signal that the image names', async (bench) => {
    const reference = `${bench.mark}-signal:latest`
    const image = await buildTestImage(bench.busybox, { StopSignal: 'SIGUSR2' })
    await bench.runtime.images.load(Readable.from([await toDockerArchive(image, reference)]))
    const container = await trapping(bench, 'trap "exit 22" USR2', { image: reference })
    await container.stop()
    expect((await container.wait()).exitCode).toBe(22)
  }),
  'kill-ends': behaviour('kill ends a command at once, with 137', async (bench) => {
    const container = await bench.run()
    await container.kill()
    expect((await container.wait()).exitCode).toBe(137)
    expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 137 })
  }),
  'kill-signal': behaviour('kill sends the signal that it is told', async (bench) => {
    const container = await trapping(bench, 'trap "echo got USR1" USR1')
    await container.kill('SIGUSR1')
    await container.waitFor({ log: 'got USR1' })
    expect((await container.inspect()).status).toBe('running')
  }),
  'kill-unknown-signal': behaviour('a signal that is none is INVALID_ARGUMENT', async (bench) => {
    const container = await bench.shared()
    for (const signal of ['SIGNONE', '', 'SIGTERM; true', '-9']) await expectCode('INVALID_ARGUMENT', container.kill(signal))
    expect((await container.inspect()).status).toBe('running')
  }),
  'kill-not-started': behaviour('a signal to a container that was not started is NOT_RUNNING', async (bench) => {
    await expectCode('NOT_RUNNING', (await bench.create()).kill('SIGTERM'))
  }),
  'kill-ended': behaviour('a signal to a container that has ended is NOT_RUNNING', async (bench) => {
    const container = await bench.run({ command: ['true'] })
    await container.wait()
    await expectCode('NOT_RUNNING', container.kill('SIGTERM'))
  }),
  'end-takes-children': behaviour('a container that ends takes every process of it along', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'sleep 4242 & sleep 4242 & echo ready; sleep 4242'] })
    await container.waitFor({ log: 'ready' })
    const { pid } = await container.inspect()
    await container.kill()
    await container.wait()
    const gone = async (): Promise<boolean> => (await bench.machine.status(`/proc/${pid}`)).status === 'absent'
    expect(await eventually(gone)).toBe(true)
  }),
  'pause-freezes': behaviour(
    'a paused container stands still until it is resumed, or pausing is NOT_SUPPORTED',
    async (bench) => {
      const container = await bench.run({ command: ['sh', '-c', 'while :; do echo x >>/tmp/beats; sleep 0.1; done'] })
      const code = await codeOf(container.pause())
      expect([null, 'NOT_SUPPORTED']).toContain(code)
      if (code === null) {
        expect((await container.inspect()).status).toBe('paused')
        await expectCode('NOT_RUNNING', container.exec(['true']))
        await container.resume()
      }
      const count = async (): Promise<number> => Number((await container.exec(['sh', '-c', 'wc -l </tmp/beats'])).stdout)
      const before = await count()
      await sleep(1000)
      expect(await count()).toBeGreaterThan(before)
      expect((await container.inspect()).status).toBe('running')
    },
  ),
  'pause-not-started': behaviour('pausing a container that does not run is NOT_RUNNING', async (bench) => {
    await expectCode('NOT_RUNNING', (await bench.create()).pause())
  }),
  'pause-removed-by-force': behaviour('a paused container can be removed by force', async (bench) => {
    const container = await bench.run()
    expect([null, 'NOT_SUPPORTED']).toContain(await codeOf(container.pause()))
    await container.remove({ force: true })
    expect(await bench.left()).toEqual([])
  }),
}

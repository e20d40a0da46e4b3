import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'

const TEN = Array.from({ length: 10 }, (_, index) => index)
const LONG_MS = 180_000

/** Many at once: none is lost, none is left. */
export const PARALLEL = {
  'parallel-runs': behaviour(
    'ten containers at once each say their own, and none is left',
    async (bench) => {
      const ran = await Promise.all(TEN.map((number) => bench.say(`echo own ${number}; exit ${number}`)))
      expect(ran.map(({ exitCode, stdout }) => `${exitCode} ${stdout}`)).toEqual(TEN.map((number) => `${number} own ${number}\n`))
      expect(await bench.left()).toEqual([])
    },
    { timeoutMs: LONG_MS },
  ),
  'parallel-lives': behaviour(
    'ten containers that are made, listed and removed at once are all there, and then all gone',
    async (bench) => {
      const made = await Promise.all(TEN.map(() => bench.run()))
      expect((await bench.left()).toSorted()).toEqual(made.map(({ name }) => name).toSorted())
      expect(new Set(made.map(({ id }) => id)).size).toBe(TEN.length)
      await Promise.all(made.map((container) => container.remove({ force: true })))
      expect(await bench.left()).toEqual([])
    },
    { timeoutMs: LONG_MS },
  ),
  'parallel-one-name': behaviour('of five that want the same name at once, one gets it', async (bench) => {
    const name = bench.name()
    const tries = await Promise.allSettled(TEN.slice(0, 5).map(() => bench.create({ name })))
    const failures = tries.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(failures).toHaveLength(4)
    for (const failure of failures) await expectCode('NAME_IN_USE', Promise.reject(failure))
    expect(await bench.left()).toEqual([name])
  }),
  'parallel-ports': behaviour('five that want a free port at once get five', async (bench) => {
    const ports = [{ container: 8080 }]
    const made = await Promise.all(TEN.slice(0, 5).map(() => bench.run({ network: 'default', ports })))
    expect(new Set(made.map((container) => container.port(8080).host)).size).toBe(5)
  }),
  'parallel-removes': behaviour('a container that is removed by two at once is gone, and neither fails', async (bench) => {
    const container = await bench.run()
    const other = await bench.runtime.containers.get(container.id)
    await Promise.all([container.remove({ force: true }), other.remove({ force: true })])
    expect(await bench.left()).toEqual([])
  }),
  'parallel-runtimes': behaviour('two runtimes of one process see the same containers', async (bench) => {
    const container = await bench.run()
    const other = await bench.reopen()
    expect((await other.containers.get(container.name)).id).toBe(container.id)
    await (await other.containers.get(container.name)).remove({ force: true })
    await expectCode('CONTAINER_NOT_FOUND', container.inspect())
  }),
}

import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'

/** Named folders that outlive containers. */
export const VOLUMES = {
  'volume-keeps': behaviour('what is written to a volume is there for the next container', async (bench) => {
    const volume = bench.name()
    const mounts = [{ kind: 'volume', volume, target: '/data' } as const]
    expect((await bench.say('echo kept >/data/file', { mounts })).exitCode).toBe(0)
    expect(await bench.say('cat /data/file', { mounts })).toMatchObject({ stdout: 'kept\n' })
    await bench.runtime.volumes.remove(volume)
  }),
  'volume-shared': behaviour('two running containers share a volume', async (bench) => {
    const mounts = [{ kind: 'volume', volume: bench.name(), target: '/data' } as const]
    const [first, second] = await Promise.all([bench.run({ mounts }), bench.run({ mounts })])
    await first.exec(['sh', '-c', 'echo shared >/data/file'])
    expect(await second.exec(['cat', '/data/file'])).toMatchObject({ stdout: 'shared\n' })
  }),
  'volume-read-only': behaviour('a volume can be mounted read-only', async (bench) => {
    const volume = bench.name()
    await bench.runtime.volumes.create(volume)
    const mounts = [{ kind: 'volume', volume, target: '/data', access: 'ro' } as const]
    expect(await bench.say('touch /data/file || echo refused', { mounts })).toMatchObject({ stdout: 'refused\n' })
  }),
  'volume-list': behaviour('a volume that was made is listed with its labels until it is removed', async (bench) => {
    const { volumes } = bench.runtime
    const name = bench.name()
    await volumes.create(name, { labels: { kept: `it's "quoted"` } })
    expect((await volumes.list()).find((each) => each.name === name)).toMatchObject({ labels: { kept: `it's "quoted"` } })
    await volumes.remove(name)
    expect((await volumes.list()).map((each) => each.name)).not.toContain(name)
  }),
  'volume-name-in-use': behaviour('a volume whose name is taken is NAME_IN_USE', async (bench) => {
    const name = bench.name()
    await bench.runtime.volumes.create(name)
    await expectCode('NAME_IN_USE', bench.runtime.volumes.create(name))
  }),
  'volume-name-invalid': behaviour('a name that no volume can have is INVALID_ARGUMENT', async (bench) => {
    for (const name of ['', 'a b', '../up', '/etc', 'line\nbreak']) {
      await expectCode('INVALID_ARGUMENT', bench.runtime.volumes.create(name))
      await expectCode('INVALID_ARGUMENT', bench.create({ mounts: [{ kind: 'volume', volume: name, target: '/data' }] }))
    }
  }),
  'volume-remove-unknown': behaviour('removing a volume that is not there is VOLUME_NOT_FOUND', async (bench) => {
    await expectCode('VOLUME_NOT_FOUND', bench.runtime.volumes.remove(`${bench.mark}-unknown`))
  }),
  'volume-remove-in-use': behaviour(
    'removing a volume that a container has is VOLUME_IN_USE, and it keeps its data',
    async (bench) => {
      const volume = bench.name()
      const mounts = [{ kind: 'volume', volume, target: '/data' } as const]
      const container = await bench.run({ mounts })
      await container.exec(['sh', '-c', 'echo kept >/data/file'])
      await expectCode('VOLUME_IN_USE', bench.runtime.volumes.remove(volume))
      expect(await container.exec(['cat', '/data/file'])).toMatchObject({ stdout: 'kept\n' })
      await container.remove({ force: true })
      await bench.runtime.volumes.remove(volume)
    },
  ),
  'volume-outlives': behaviour('removing a container keeps its named volume', async (bench) => {
    const volume = bench.name()
    const container = await bench.create({ mounts: [{ kind: 'volume', volume, target: '/data' }] })
    await container.remove()
    expect((await bench.runtime.volumes.list()).map(({ name }) => name)).toContain(volume)
  }),
}

import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'

const LABELS = {
  quotes: `'single' "double" \`back\` $HOME %s`,
  newline: 'first\nsecond\tand a tab',
  unicode: 'käse 🧀 日本語',
  empty: '',
  'with.dots/and-slashes': 'a=b,c;d\\e',
}

/** Making a container, finding it, and removing it. */
export const CREATE = {
  'create-not-started': behaviour('a created container is not started', async (bench) => {
    const container = await bench.create()
    const state = await container.inspect()
    expect(state).toMatchObject({ status: 'created', startedAt: null, endedAt: null, exitCode: null, pid: null })
  }),
  'create-listed': behaviour('a created container is listed', async (bench) => {
    const container = await bench.create()
    const listed = await bench.runtime.containers.list()
    expect(listed.find(({ id }) => id === container.id)).toMatchObject({ name: container.name, status: 'created' })
  }),
  'create-then-start': behaviour('a created container can be started later', async (bench) => {
    const container = await bench.create({ command: ['sh', '-c', 'exit 5'] })
    await container.start()
    expect((await container.wait()).exitCode).toBe(5)
  }),
  'create-state': behaviour('inspect tells what was asked for', async (bench) => {
    const before = Date.now()
    const container = await bench.create({ command: ['sleep', '7'], terminal: false })
    const state = await container.inspect()
    expect(state).toMatchObject({ id: container.id, name: container.name, terminal: false, mounts: [], ports: [] })
    expect(state.image).toContain(bench.mark)
    expect(state.command).toEqual(['sleep', '7'])
    expect(state.network.name).toBe('none')
    expect(Math.abs(state.createdAt.getTime() - before)).toBeLessThan(60_000)
  }),
  'create-image-id': behaviour('inspect names the id of the image', async (bench) => {
    expect((await (await bench.create()).inspect()).imageId).toBe(bench.testImage.id)
  }),
  'create-by-image-id': behaviour('an image may be named by its id', async (bench) => {
    expect(await bench.say('echo $IMAGE_SAYS', { image: bench.testImage.id })).toMatchObject({ stdout: 'hello from the image\n' })
  }),
  'create-by-short-reference': behaviour('an image may be named without its tag', async (bench) => {
    expect(await bench.say('echo $IMAGE_SAYS', { image: bench.mark })).toMatchObject({ stdout: 'hello from the image\n' })
  }),
  'create-image-missing': behaviour('an image that is not there is IMAGE_NOT_FOUND, and nothing is left', async (bench) => {
    await expectCode('IMAGE_NOT_FOUND', bench.create({ image: `${bench.mark}-missing:latest` }))
    await expectCode('IMAGE_NOT_FOUND', bench.run({ image: `sha256:${'1'.repeat(64)}` }))
    expect(await bench.left()).toEqual([])
  }),
  'create-name-given': behaviour('a container has the name that it was given', async (bench) => {
    const name = `${bench.name()}_with.Every-Sign`
    const container = await bench.create({ name })
    expect(container.name).toBe(name)
    expect((await container.inspect()).name).toBe(name)
  }),
  'create-name-generated': behaviour('a container without a name gets one of its own', async (bench) => {
    const { name: _, ...options } = bench.options()
    const names = await Promise.all([1, 2, 3].map(async () => (await bench.runtime.containers.create(options)).name))
    expect(new Set(names).size).toBe(3)
    expect(names.every((name) => /^[a-zA-Z0-9][\w.-]+$/u.test(name))).toBe(true)
  }),
  'create-name-in-use': behaviour('a name that another container has is NAME_IN_USE, and the other one stays', async (bench) => {
    const container = await bench.create()
    await expectCode('NAME_IN_USE', bench.create({ name: container.name }))
    await expectCode('NAME_IN_USE', bench.run({ name: container.name }))
    expect((await bench.runtime.containers.get(container.name)).id).toBe(container.id)
    expect(await bench.left()).toEqual([container.name])
  }),
  'create-name-free-again': behaviour('the name of a removed container is free again', async (bench) => {
    const container = await bench.create()
    await container.remove()
    expect((await bench.create({ name: container.name })).name).toBe(container.name)
  }),
  'create-labels': behaviour('labels keep quotes, newlines and every script', async (bench) => {
    const container = await bench.create({ labels: LABELS })
    expect((await container.inspect()).labels).toMatchObject(LABELS)
    const listed = await bench.runtime.containers.list({ labels: { unicode: LABELS.unicode } })
    expect(listed.map(({ id }) => id)).toEqual([container.id])
  }),
  'create-hostname': behaviour('a container has the hostname that it was given', async (bench) => {
    expect(await bench.say('hostname', { hostname: 'suite-host' })).toMatchObject({ stdout: 'suite-host\n' })
  }),
  'get-by-name': behaviour('a container is found by its name', async (bench) => {
    const container = await bench.create()
    expect(await bench.runtime.containers.get(container.name)).toMatchObject({ id: container.id, name: container.name })
  }),
  'get-by-id': behaviour('a container is found by its id', async (bench) => {
    const container = await bench.create()
    const found = await bench.runtime.containers.get(container.id)
    expect(found).toMatchObject({ id: container.id, name: container.name, engine: bench.runtime.engine })
  }),
  'get-unknown': behaviour('a container that is not there is CONTAINER_NOT_FOUND', async (bench) => {
    await expectCode('CONTAINER_NOT_FOUND', bench.runtime.containers.get(`${bench.mark}-unknown`))
  }),
  'get-works': behaviour('a container that was found works as the one that was made', async (bench) => {
    const { name } = await bench.shared()
    const found = await bench.runtime.containers.get(name)
    expect(await found.exec(['echo', 'found'])).toMatchObject({ exitCode: 0, stdout: 'found\n' })
  }),
  'list-by-label': behaviour('the list keeps to the labels asked for', async (bench) => {
    const label = bench.name()
    const [first, second] = await Promise.all([
      bench.create({ labels: { label, kind: 'a' } }),
      bench.create({ labels: { label } }),
    ])
    const { containers } = bench.runtime
    const both = await containers.list({ labels: { label } })
    expect(both.map(({ id }) => id).toSorted()).toEqual([first.id, second.id].toSorted())
    expect((await containers.list({ labels: { label, kind: 'a' } })).map(({ id }) => id)).toEqual([first.id])
    expect(await containers.list({ labels: { label: `${label}-other` } })).toEqual([])
  }),
  'list-ended': behaviour('the list has ended containers too', async (bench) => {
    const container = await bench.run({ command: ['true'] })
    await container.wait()
    const listed = await bench.runtime.containers.list()
    expect(listed.find(({ id }) => id === container.id)).toMatchObject({ status: 'ended', exitCode: 0 })
  }),
  'remove-created': behaviour('a created container can be removed', async (bench) => {
    const container = await bench.create()
    await container.remove()
    expect(await bench.left()).toEqual([])
    await expectCode('CONTAINER_NOT_FOUND', bench.runtime.containers.get(container.id))
  }),
  'remove-running': behaviour('removing a running container is STILL_RUNNING, and it goes on', async (bench) => {
    const container = await bench.run()
    await expectCode('STILL_RUNNING', container.remove())
    expect((await container.inspect()).status).toBe('running')
  }),
  'remove-force': behaviour('a running container is removed by force', async (bench) => {
    const container = await bench.run()
    await container.remove({ force: true })
    expect(await bench.left()).toEqual([])
  }),
  'remove-ended': behaviour('an ended container can be removed', async (bench) => {
    const container = await bench.run({ command: ['true'] })
    await container.wait()
    await container.remove()
    expect(await bench.left()).toEqual([])
  }),
  'remove-twice': behaviour('removing a container that is gone is fine', async (bench) => {
    const container = await bench.create()
    await container.remove()
    await container.remove()
    await container.remove({ force: true })
    expect(await bench.left()).toEqual([])
  }),
  'remove-then-inspect': behaviour('a removed container is CONTAINER_NOT_FOUND', async (bench) => {
    const container = await bench.create()
    await container.remove()
    await expectCode('CONTAINER_NOT_FOUND', container.inspect())
    await expectCode('CONTAINER_NOT_FOUND', container.start())
    await expectCode('CONTAINER_NOT_FOUND', container.exec(['true']))
  }),
  'dispose-running': behaviour('disposing of a running container removes it', async (bench) => {
    {
      await using container = await bench.run()
      expect((await container.inspect()).status).toBe('running')
    }
    expect(await bench.left()).toEqual([])
  }),
  'dispose-removed': behaviour('disposing of a removed container is fine', async (bench) => {
    {
      await using container = await bench.create()
      await container.remove()
    }
    expect(await bench.left()).toEqual([])
  }),
}

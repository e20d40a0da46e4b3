import { once } from 'node:events'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import type { ContainerPlan, EngineDriver, ExecPlan, LogEntry } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listSecretFolders, openLiveDocker, portOf, type LiveDocker } from './docker-live.ts'
import { execOf, PLAN } from './docker-plans.ts'

let docker: LiveDocker
let driver: EngineDriver

beforeAll(async () => {
  docker = await openLiveDocker()
  driver = docker.driver
})

afterAll(async () => {
  await docker[Symbol.asyncDispose]()
})

describe("Docker's words", () => {
  test.each<readonly [string, Partial<ContainerPlan>]>([
    ['COMMAND_NOT_FOUND', { command: ['nope'] }],
    ['COMMAND_NOT_FOUND', { command: ['/nope/at/all'] }],
    ['COMMAND_NOT_FOUND', { command: ['No such image'] }],
    ['COMMAND_NOT_EXECUTABLE', { command: ['/etc/passwd'] }],
    ['COMMAND_NOT_EXECUTABLE', { command: ['/etc'] }],
    ['USER_NOT_FOUND', { user: 'nosuchuser' }],
    ['USER_NOT_FOUND', { user: '0:nosuchgroup' }],
    ['PORT_FORBIDDEN', { network: 'default', ports: [{ container: 80, host: 81, protocol: 'tcp', address: '127.0.0.1' }] }],
  ])('%s at the start of a container: %o', async (code, changes) => {
    await using container = await docker.make(changes)
    await expect(driver.containers.start(container.id, {})).rejects.toMatchObject({ code, engine: 'docker' })
  })

  test('PORT_IN_USE at the start of a container, when somebody outside listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const host = portOf(server)
    await using container = await docker.make({
      network: 'default',
      ports: [{ container: 80, host, protocol: 'tcp', address: '127.0.0.1' }],
    })
    await expect(driver.containers.start(container.id, {})).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    server.close()
  })

  test.each<readonly [string, Partial<ContainerPlan>]>([
    ['IMAGE_NOT_FOUND', { image: 'rootless-runtime-nosuch:1' }],
    ['MOUNT_NOT_FOUND', { mounts: [{ source: '/nope', target: '/x' }] }],
    ['NETWORK_NOT_FOUND', { network: 'rootless-runtime-nosuch' }],
    ['WORKDIR_NOT_FOUND', { workdir: '/etc/passwd' }],
    ['WORKDIR_NOT_FOUND', { workdir: '/no/such/folder' }],
    ['NOT_SUPPORTED', { user: '1000', mounts: [{ source: '/tmp', target: '/x', access: 'rw', owner: 'me' }] }],
    ['INVALID_ARGUMENT', { dropCapabilities: ['NOSUCH'] }],
  ])('%s when a container is made, and it is not: %o', async (code, changes) => {
    const name = `${docker.prefix}-refused`
    const plan = { ...PLAN, name, image: docker.image, secrets: { token: Buffer.from('x') }, ...changes }
    const folders = listSecretFolders()
    await expect(driver.containers.create(plan, {})).rejects.toMatchObject({ code })
    await expect(driver.containers.inspect(name, {})).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' })
    expect(listSecretFolders()).toEqual(folders)
  })

  test('of a command inside, which Docker says on its stdout, are errors and no output', async () => {
    await using container = await docker.start()
    const { id } = container
    const cases: readonly (readonly [string, readonly string[], Partial<ExecPlan>])[] = [
      ['COMMAND_NOT_FOUND', ['nope'], {}],
      ['COMMAND_NOT_FOUND', ['/nope'], { terminal: true }],
      ['COMMAND_NOT_EXECUTABLE', ['/etc/passwd'], {}],
      ['USER_NOT_FOUND', ['true'], { user: 'nosuch' }],
      ['WORKDIR_NOT_FOUND', ['true'], { workdir: '/nope' }],
    ]
    for (const [code, command, changes] of cases) {
      await expect(driver.containers.exec(id, execOf(command, changes), {})).rejects.toMatchObject({ code })
    }
    // The same words from a command that ran are its output.
    const [stdout, , exitCode] = await docker.exec(id, [
      'sh',
      '-c',
      'echo OCI runtime exec failed: exec: \\"x\\": executable file not found; exit 126',
    ])
    expect([stdout, exitCode]).toEqual(['OCI runtime exec failed: exec: "x": executable file not found\n', 126])
  })

  test('of what is not in a state for it', async () => {
    await using container = await docker.make()
    const { id } = container
    const { containers } = driver
    await expect(containers.kill(id, 'SIGTERM', {})).rejects.toMatchObject({ code: 'NOT_RUNNING' })
    await expect(containers.pause(id, {})).rejects.toMatchObject({ code: 'NOT_RUNNING' })
    await expect(containers.exec(id, execOf(['true']), {})).rejects.toMatchObject({ code: 'NOT_RUNNING' })
    await expect(containers.copyOut(id, '/nope', {})).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
    await expect(containers.copyIn(id, Readable.from([Buffer.alloc(1024)]), '/nope', {})).rejects.toMatchObject({
      code: 'PATH_NOT_FOUND',
    })
    await containers.start(id, {})
    await containers.start(id, {})
    await expect(containers.remove(id, {})).rejects.toMatchObject({ code: 'STILL_RUNNING' })
    await expect(containers.create({ ...PLAN, name: container.name, image: docker.image }, {})).rejects.toMatchObject({
      code: 'NAME_IN_USE',
    })
    await expect(driver.images.remove(docker.image)).rejects.toMatchObject({ code: 'IMAGE_IN_USE' })
  })
})

describe('the end of a container', () => {
  test('is waited for before its start, while it runs, and after it', async () => {
    await using container = await docker.make({ command: ['sh', '-c', 'sleep 0.3; exit 9'] })
    const { containers } = driver
    const early = containers.wait(container.id, {})
    await containers.start(container.id, {})
    expect(await Promise.all([early, containers.wait(container.id, {})])).toEqual([9, 9])
    expect(await containers.wait(container.id, {})).toBe(9)
  })

  test.each([100_000, 16_384, 32_768, 16_383])('leaves a line of %i bytes whole in its log', async (bytes) => {
    const script = `head -c ${bytes} /dev/zero | tr '\\0' x; printf '\\nnext'`
    await using container = await docker.start({ command: ['sh', '-c', script] })
    await driver.containers.wait(container.id, {})
    const log = Buffer.concat((await collect(driver.containers.logs(container.id, {}))).map(({ data }) => data))
    expect(log.toString()).toBe(`${'x'.repeat(bytes)}\nnext`)
  })

  test('is where a log ends that is followed', async () => {
    await using container = await docker.start({ command: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.2; done'] })
    const lines = await collect(driver.containers.logs(container.id, { follow: true }))
    expect(lines.map(({ data }) => Buffer.from(data).toString())).toEqual(['1\n', '2\n', '3\n'])
  })

  test('leaves its log, each byte and each stream apart, with times', async () => {
    const before = new Date(Date.now() - 1000)
    await using container = await docker.start({ command: ['sh', '-c', 'echo one; echo two >&2; printf "\\000\\377"'] })
    await driver.containers.wait(container.id, {})
    const entries = await collect(driver.containers.logs(container.id, { follow: true }))
    const of = (stream: string): Buffer =>
      Buffer.concat(entries.filter((entry) => entry.stream === stream).map(({ data }) => data))
    expect([of('stdout'), of('stderr')]).toEqual([Buffer.from('one\n\0\u00ff', 'latin1'), Buffer.from('two\n')])
    for (const { time } of entries) expect(time?.getTime()).toBeGreaterThan(before.getTime())
    expect(await collect(driver.containers.logs(container.id, { tailLines: 0 }))).toEqual([])
    expect(await collect(driver.containers.logs(container.id, { since: new Date(Date.now() + 60_000) }))).toEqual([])
  })
})

test('a container that is made while its caller gives up is not there afterwards', async () => {
  const name = `${docker.prefix}-aborted`
  const stop = new AbortController()
  const making = driver.containers.create({ ...PLAN, name, image: docker.image }, { signal: stop.signal })
  setTimeout(() => stop.abort(), 3)
  await expect(making).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(driver.containers.inspect(name, {})).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' })
})

test('an image of a container carries no word by which a sweep would know its containers as ours', async () => {
  await using container = await docker.make({
    labels: { 'rootless-runtime.managed': 'true', 'rootless-runtime.owner': '1:1:x', mine: 'kept' },
  })
  const reference = `${docker.prefix}-committed:1`
  const id = await driver.containers.commit(container.id, reference, {})
  const image = await driver.images.inspect(id)
  await driver.images.remove(reference)
  expect(image.references).toEqual([`docker.io/library/${reference}`])
  expect(image.config.labels).toMatchObject({ 'rootless-runtime.managed': '', 'rootless-runtime.owner': '', mine: 'kept' })
})

test('events tell the life of a container from the call on', async () => {
  const stop = new AbortController()
  const events = driver.containers.events({ signal: stop.signal })
  let name = ''
  {
    await using container = await docker.start({ command: ['true'] })
    await driver.containers.wait(container.id, {})
    ;({ name } = container)
  }
  const seen: string[] = []
  for await (const event of events) {
    if (event.name === name) seen.push(event.event)
    if (seen.at(-1) === 'removed') break
  }
  expect(seen).toEqual(['created', 'started', 'ended', 'removed'])
})

test('volumes and networks: names are used once, and not removed while they are in use', async () => {
  const [volume, network] = [`${docker.prefix}-volume`, `${docker.prefix}-network`]
  const { volumes, networks } = driver
  await volumes.create(volume, { labels: { a: 'b' } })
  await networks.create(network, { isolated: true, labels: { a: 'b' } })
  try {
    expect(await volumes.list()).toContainEqual({ name: volume, labels: { a: 'b' } })
    expect(await networks.list()).toContainEqual({ name: network, isolated: true, labels: { a: 'b' } })
    await expect(volumes.create(volume)).rejects.toMatchObject({ code: 'NAME_IN_USE' })
    await expect(networks.create(network)).rejects.toMatchObject({ code: 'NAME_IN_USE' })
    await using container = await docker.start({ network, mounts: [{ kind: 'volume', volume, target: '/v' }] })
    await expect(volumes.remove(volume)).rejects.toMatchObject({ code: 'VOLUME_IN_USE' })
    await expect(networks.remove(network)).rejects.toMatchObject({ code: 'NETWORK_IN_USE' })
    await expect(driver.containers.hostAddress(container.id, {})).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  } finally {
    await volumes.remove(volume)
    await networks.remove(network)
  }
  await expect(volumes.remove(volume)).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' })
  await expect(networks.remove(network)).rejects.toMatchObject({ code: 'NETWORK_NOT_FOUND' })
})

async function collect(entries: AsyncIterable<LogEntry>): Promise<readonly LogEntry[]> {
  const all: LogEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

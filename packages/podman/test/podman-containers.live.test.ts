import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerPlan, EngineDriver } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, openLivePodman, portOf, type LivePodman } from './podman-live.ts'

let podman: LivePodman
let driver: EngineDriver

beforeAll(async () => {
  podman = await openLivePodman()
  driver = podman.driver
})

afterAll(async () => {
  await podman[Symbol.asyncDispose]()
})

const DEFAULT_PORT = { container: 80, protocol: 'tcp', address: '127.0.0.1' } as const

describe('what Podman refuses has a code of ours', () => {
  test.each<[string, Partial<ContainerPlan>, string]>([
    ['a command that is not there', { command: ['no-such-command'] }, 'COMMAND_NOT_FOUND'],
    ['a path that is not there', { command: ['/no/such/command'] }, 'COMMAND_NOT_FOUND'],
    ['a file that is no program', { command: ['/etc/passwd'] }, 'COMMAND_NOT_EXECUTABLE'],
    ['a folder', { command: ['/etc'] }, 'COMMAND_NOT_EXECUTABLE'],
    ['a user that is not there', { user: 'no-such-user' }, 'USER_NOT_FOUND'],
    ['a group that is not there', { user: '1:no-such-group' }, 'USER_NOT_FOUND'],
    ['a workdir that is not there', { workdir: '/no/such/folder' }, 'WORKDIR_NOT_FOUND'],
    ['a workdir that is a file', { workdir: '/etc/passwd' }, 'WORKDIR_NOT_FOUND'],
    ['a port below 1024', { network: 'default', ports: [{ ...DEFAULT_PORT, host: 81 }] }, 'PORT_FORBIDDEN'],
  ])('%s, at the start', async (_, changes, code) => {
    await using container = await podman.make(changes)
    await expect(driver.containers.start(container.id, {})).rejects.toMatchObject({ code, engine: 'podman' })
  })

  test('a port that is taken, at the start', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    await using container = await podman.make({ network: 'default', ports: [{ ...DEFAULT_PORT, host: portOf(server) }] })
    await expect(driver.containers.start(container.id, {})).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    server.close()
  })

  test.each<[string, Partial<ContainerPlan>, string]>([
    ['an image that is not there', { image: 'live-no-such-image' }, 'IMAGE_NOT_FOUND'],
    ['a network that is not there', { network: 'live-no-such-network' }, 'NETWORK_NOT_FOUND'],
    ['a folder of the host that is not there', { mounts: [{ source: '/no/such/folder', target: '/a' }] }, 'MOUNT_NOT_FOUND'],
  ])('%s, at once, and nothing is made', async (_, changes, code) => {
    await expect(podman.make(changes)).rejects.toMatchObject({ code })
  })

  test.each<[string, readonly string[], object, string]>([
    ['a command that is not there', ['no-such-command'], {}, 'COMMAND_NOT_FOUND'],
    ['a file that is no program', ['/etc/passwd'], {}, 'COMMAND_NOT_EXECUTABLE'],
    ['a workdir that is not there', ['true'], { workdir: '/no/such/folder' }, 'WORKDIR_NOT_FOUND'],
    ['a user that is not there', ['true'], { user: 'no-such-user' }, 'USER_NOT_FOUND'],
  ])('%s, of a command inside', async (_, command, changes, code) => {
    await using container = await podman.start()
    await expect(podman.exec(container.id, command, changes)).rejects.toMatchObject({ code })
  })

  test('a command that only writes what Podman would write is a command', async () => {
    await using container = await podman.start()
    const words = 'Error: what I do not like'
    expect(await podman.exec(container.id, ['sh', '-c', `echo "${words}" >&2; echo out; exit 127`])).toEqual([
      'out\n',
      `${words}\n`,
      127,
    ])
  })
})

describe('a container', () => {
  test('that was never started has not ended', async () => {
    await using container = await podman.make()
    await expect(driver.containers.wait(container.id, { signal: AbortSignal.timeout(500) })).rejects.toMatchObject({
      code: 'ABORTED',
    })
  })

  test('gets no healthcheck of its image, which nobody would run', async () => {
    const image = `${podman.prefix}:health`
    const input = `FROM docker.io/library/${podman.image}\nHEALTHCHECK CMD false\n`
    execFileSync('podman', ['build', '--quiet', '--pull=never', '--format', 'docker', '--tag', image, '-'], { input })
    const check = (kind: string, name: string, field: string): string =>
      execFileSync('podman', [kind, 'inspect', '--format', `{{json ${field}}}`, name], { encoding: 'utf8' })
    expect(check('image', image, '.HealthCheck')).toContain('false')
    {
      await using container = await podman.start({ image })
      expect(check('container', container.id, '.Config.Healthcheck')).not.toContain('false')
    }
    await driver.images.remove(`localhost/${image}`)
  })

  test('has a log of which the parts of a long line stay what they are, with tail too', async () => {
    await using container = await podman.start({ command: ['sh', '-c', 'echo err >&2; head -c 20000 /dev/zero'] })
    await driver.containers.wait(container.id, {})
    const entries = await collect(driver.containers.logs(container.id, { tailLines: 1 }))
    expect(new Set(entries.map(({ stream }) => stream))).toEqual(new Set(['stdout']))
    expect(entries.reduce((sum, { data }) => sum + data.length, 0)).toBe(20_000)
  })

  test('is followed from before its start to its end', async () => {
    await using container = await podman.make({ command: ['sh', '-c', 'echo 1; sleep 0.5; echo 2; sleep 0.5; printf 3'] })
    const following = collect(driver.containers.logs(container.id, { follow: true }))
    await driver.containers.start(container.id, {})
    expect((await following).map(({ data }) => Buffer.from(data).toString())).toEqual(['1\n', '2\n', '3'])
  })

  test.each(['default', 'bridge'])('reaches this machine at hostAddress, on the network %s', async (kind) => {
    const network = kind === 'default' ? kind : `${podman.prefix}-network`
    if (network !== kind) await driver.networks.create(network)
    const server = createServer((socket) => socket.end('reached')).listen(0, '0.0.0.0')
    await once(server, 'listening')
    try {
      await using container = await podman.start({ network })
      const address = await driver.containers.hostAddress(container.id, {})
      const [stdout] = await podman.exec(container.id, ['nc', '-w', '5', address, String(portOf(server))])
      expect(stdout).toBe('reached')
    } finally {
      server.close()
      if (network !== kind) await driver.networks.remove(network)
    }
  })

  test.each(['0:0', '1000:1000', '7'])('of the user %s writes what is the caller outside', async (user) => {
    const source = mkdtempSync(join(tmpdir(), 'live-owner-'))
    try {
      await using container = await podman.start({ user, mounts: [{ source, target: '/mine', access: 'rw', owner: 'me' }] })
      expect(await podman.exec(container.id, ['touch', '/mine/file'])).toEqual(['', '', 0])
      expect(statSync(join(source, 'file')).uid).toBe(process.getuid?.())
    } finally {
      rmSync(source, { recursive: true })
    }
  })
})

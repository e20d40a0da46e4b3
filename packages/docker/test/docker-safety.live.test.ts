import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { EngineDriver } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askDocker, listSecretFolders, openLiveDocker, portOf, type LiveDocker } from './docker-live.ts'

let docker: LiveDocker
let driver: EngineDriver

beforeAll(async () => {
  docker = await openLiveDocker()
  driver = docker.driver
})

afterAll(async () => {
  await docker[Symbol.asyncDispose]()
})

describe('secrets', () => {
  test.each([
    ['root', null, ['0']],
    ['a number', '1000:1000', ['1000']],
    ['a name of the image', 'app', ['app', '1000']],
  ])(
    'are files that nobody but %s can read, in nothing that Docker tells, and gone with the container',
    async (_, user, readers) => {
      const secret = `secret-${randomBytes(8).toString('hex')}`
      const folders = listSecretFolders()
      {
        await using container = await docker.start({ user, secrets: { 'token.txt': Buffer.from(secret) } })
        const read = ['cat', '/run/secrets/token.txt']
        for (const reader of readers) expect(await docker.exec(container.id, read, { user: reader })).toEqual([secret, '', 0])
        const [stdout, , exitCode] = await docker.exec(container.id, read, { user: '2000' })
        expect([stdout, exitCode]).toEqual(['', 1])
        const [, , written] = await docker.exec(container.id, ['sh', '-c', 'echo x >/run/secrets/other'], { user: '0' })
        expect(written).not.toBe(0)
        expect(await askDocker(`/containers/${container.id}/json`)).not.toMatch(new RegExp(`${secret}|token`, 'u'))
        expect(listSecretFolders()).toHaveLength(folders.length + 1)
      }
      expect(listSecretFolders()).toEqual(folders)
      expect(await askDocker('/containers/json?all=1')).not.toContain('.secrets')
    },
  )

  test('of a user that the image does not have are put nowhere', async () => {
    const folders = listSecretFolders()
    await expect(docker.make({ user: 'nosuch', secrets: { token: Buffer.from('x') } })).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
    })
    await expect(docker.make({ user: '70000', secrets: { token: Buffer.from('x') } })).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
    })
    expect(listSecretFolders()).toEqual(folders)
    expect(await askDocker('/containers/json?all=1')).not.toContain('.secrets')
  })
})

describe('a working folder', () => {
  test('that the image does not have is refused, where Docker would make it, and nothing is left', async () => {
    await expect(docker.make({ workdir: '/no/such/folder' })).rejects.toMatchObject({ code: 'WORKDIR_NOT_FOUND' })
    expect(await askDocker('/containers/json?all=1')).not.toContain(docker.prefix)
  })

  test.each([
    ['of the image', '/tmp', {}],
    ['that is the root', '/', {}],
    ['that is mounted', '/data', { mounts: [{ kind: 'tmpfs', target: '/data' }] }],
    ['in which something is mounted', '/data', { mounts: [{ kind: 'tmpfs', target: '/data/deep' }] }],
  ] as const)('%s is worked in', async (_, workdir, changes) => {
    await using container = await docker.start({ workdir, ...changes })
    expect(await docker.exec(container.id, ['pwd'])).toEqual([`${workdir}\n`, '', 0])
  })
})

test('what is always so: no new privileges, no healthcheck of the image, no socket of Docker inside', async () => {
  await using container = await docker.start()
  const [status] = await docker.exec(container.id, ['grep', '-E', 'NoNewPrivs|Seccomp:', '/proc/self/status'])
  expect(status).toMatch(/NoNewPrivs:\s1\nSeccomp:\s2/u)
  const inspect = await askDocker(`/containers/${container.id}/json`)
  expect(inspect).toContain('"Healthcheck":{"Test":["NONE"]}')
  expect(inspect).not.toContain('docker.sock')
})

describe('the address of the host', () => {
  test('leads from inside to who listens outside', async () => {
    const server = createServer((socket) => socket.end('hello from outside')).listen(0)
    await once(server, 'listening')
    await using container = await docker.start({ network: 'default' })
    const host = await driver.containers.hostAddress(container.id, {})
    const [said] = await docker.exec(container.id, ['nc', '-w', '5', host, String(portOf(server))])
    expect(said).toBe('hello from outside')
    server.close()
  })

  test('is refused where nothing leads out', async () => {
    await using container = await docker.start({ network: 'none' })
    await expect(driver.containers.hostAddress(container.id, {})).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  })
})

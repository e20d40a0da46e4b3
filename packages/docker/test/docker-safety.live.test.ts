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
  test('are files for whichever user the container runs as, in nothing that Docker tells, and gone with the container', async () => {
    const secret = `secret-${randomBytes(8).toString('hex')}`
    const folders = listSecretFolders()
    {
      await using container = await docker.start({ user: '1000:1000', secrets: { 'token.txt': Buffer.from(secret) } })
      expect(await docker.exec(container.id, ['cat', '/run/secrets/token.txt'])).toEqual([secret, '', 0])
      const [, , refused] = await docker.exec(container.id, ['sh', '-c', 'echo x >/run/secrets/other'])
      expect(refused).not.toBe(0)
      expect(await askDocker(`/containers/${container.id}/json`)).not.toMatch(new RegExp(`${secret}|token`, 'u'))
      expect(listSecretFolders()).toHaveLength(folders.length + 1)
    }
    expect(listSecretFolders()).toEqual(folders)
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

import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { discoverRuntimes } from 'rootless-runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildImage } from '../image.ts'
import { LABEL, mustRootless, rootless, startProgram, toShellLine } from './rootless.ts'

// Commands that ask every engine at once.

const ENOUGH = 2
const there = (await discoverRuntimes()).filter(({ availability }) => availability.status === 'available')
const [first, second] = there.map(({ engine }) => engine)
const image = `rootless-cli-all-${process.pid}`
const name = `rootless-cli-all-${process.pid}`
let folder = ''

beforeAll(async () => {
  folder = await buildImage()
})

afterAll(async () => {
  for (const { engine, runtime } of there) {
    await rootless(['rm', '-f', '--engine', engine, name])
    await runtime.images.remove(image).catch(() => {})
  }
  rmSync(folder, { recursive: true, force: true })
})

test('auto picks the engine that has the image, and says why', async () => {
  expect(there.length).toBeGreaterThan(0)
  const last = there.at(-1)?.engine ?? ''
  await mustRootless('load', '--engine', last, '--reference', image, join(folder, 'image.tar'))
  const { code, stdout, stderr } = await rootless([
    'run',
    '--rm',
    '-l',
    LABEL,
    '--pull',
    'never',
    '--verbose',
    image,
    'echo',
    'here',
  ])
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'here\n' })
  expect(stderr).toContain(`runs on ${last}`)
})

test('an engine that is not there stops nobody, and is told when it was named', async () => {
  const environment = { XDG_RUNTIME_DIR: '/nonexistent', DOCKER_HOST: 'unix:///nonexistent/docker.sock' }
  const { code, stdout } = await rootless(['ps', '-a', '--format', 'json'], { environment })
  expect(() => JSON.parse(stdout)).not.toThrow()
  expect([0, 3]).toContain(code)
  const named = await rootless(['ps', '--engine', 'docker'], { environment })
  expect(named.code).toBe(3)
  expect(named.stderr).toMatch(/^rootless: /u)
})

test('an engine that hangs stops nobody, and is told', async () => {
  const socket = join(folder, 'hung.sock')
  const server = createServer(() => {}).listen(socket)
  await once(server, 'listening')
  try {
    const { stdout, stderr } = await rootless(['ps', '-a', '--format', 'json', '--timeout', '3'], {
      environment: { DOCKER_HOST: `unix://${socket}` },
    })
    const engines = z.object({ engines: z.array(z.object({ engine: z.string(), status: z.string() })) }).parse(JSON.parse(stdout))
    const statuses = new Map(engines.engines.map(({ engine, status }) => [engine, status]))
    expect(statuses.get('docker')).toBe('unknown')
    expect(stderr).toContain('Docker could not be asked')
    for (const { engine } of there) if (engine !== 'docker') expect(statuses.get(engine)).toBe('answered')
  } finally {
    server.close()
  }
})

describe.skipIf(there.length < ENOUGH)('a name on two engines', () => {
  beforeAll(async () => {
    for (const engine of [first ?? '', second ?? '']) {
      await mustRootless('load', '--engine', engine, '--reference', image, join(folder, 'image.tar'))
      await mustRootless('run', '-d', '--engine', engine, '-l', LABEL, '--name', name, image, 'sleep', '1000')
    }
  })

  test('is nobody’s until the engine is named', async () => {
    const { code, stderr } = await rootless(['exec', name, 'true'])
    expect(code).toBe(125)
    expect(stderr).toBe(`rootless: ${name} is a container of ${first} and ${second}: say which by --engine\n`)
    expect((await rootless(['rm', '-f', name])).code).toBe(2)
    expect((await rootless(['exec', '--engine', first ?? '', name, 'echo'])).code).toBe(0)
  })

  test('is found by its id without a word', async () => {
    const id = await mustRootless('ps', '-q', '--engine', second ?? '', '-l', LABEL)
    expect((await rootless(['exec', id, 'echo', 'found'])).stdout).toBe('found\n')
  })
})

test('a container that no engine has is 1', async () => {
  const { code, stderr } = await rootless(['logs', 'rootless-no-such-container'])
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'rootless: no engine has a container rootless-no-such-container\n' })
})

test.runIf(there.some(({ engine }) => engine === 'docker'))('eval of env leads Docker’s own client to the engine', async () => {
  const line = `eval "$(${toShellLine(['env', '--engine', 'docker'])})"; docker version --format '{{.Server.Version}}'`
  const { stdout, stderr } = await startProgram('sh', ['-c', line]).ended
  const docker = there.find(({ engine }) => engine === 'docker')?.availability
  expect({ stdout, stderr }).toEqual({ stdout: `${docker?.status === 'available' ? docker.version : ''}\n`, stderr: '' })
})

test('LXC has nothing for other tools, and says so', async () => {
  const { code, stdout, stderr } = await rootless(['env', '--engine', 'lxc'])
  expect(stdout).toBe('')
  expect(code === 1 ? stderr : code).toEqual(code === 1 ? 'rootless: LXC: LXC has no socket that other tools could use\n' : 3)
})

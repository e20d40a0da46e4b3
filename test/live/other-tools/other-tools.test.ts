import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  discoverRuntimes,
  ENGINE_TITLES,
  runtimeEnvironment,
  type EngineName,
  type RootlessRuntime,
  type RuntimeEnvironment,
} from 'rootless-runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missEngine } from '../../leave-out.ts'
import { eventually, startProgram } from '../cli/rootless.ts'
import { buildImage } from '../image.ts'

// What `runtimeEnvironment` says is enough for programs that know nothing of us. testcontainers' own cleaner (ryuk) is an image that
// no machine without a network can fetch: it is turned off here, and so not proved; that its socket can be mounted is.

const discovered = await discoverRuntimes()

/** Podman listens for others only when somebody starts it; at a place of this test, so that nobody else's service is replaced. */
const SERVICES: ReadonlyMap<EngineName, (socket: string) => readonly string[]> = new Map([
  ['podman', (socket: string) => ['podman', 'system', 'service', '--time=0', `unix://${socket}`]],
])

for (const engine of ['docker', 'podman'] as const) {
  const found = discovered.find((each) => each.engine === engine)
  const title = `${ENGINE_TITLES[engine]} for other tools`
  if (found?.availability.status === 'available') {
    describe(title, () => {
      testEngine(engine, found.runtime)
    })
  } else missEngine(title, found?.availability.reason ?? 'nobody answered')
}

function testEngine(engine: EngineName, runtime: RootlessRuntime): void {
  const image = `rootless-other-tools-${process.pid}:1`
  const folder = mkdtempSync(join(tmpdir(), 'rootless-tools-'))
  const socket = join(folder, 'engine.sock')
  let imageFolder = ''
  let environment: RuntimeEnvironment | undefined
  let service: ReturnType<typeof startProgram> | undefined

  const variables = (): Readonly<Record<string, string>> =>
    Object.fromEntries((environment?.variables ?? []).map(({ name, value }) => [name, value]))

  beforeAll(async () => {
    imageFolder = await buildImage()
    await runtime.images.load(join(imageFolder, 'image.tar'), { reference: image })
    const [file, ...words] = SERVICES.get(engine)?.(socket) ?? []
    if (file !== undefined) {
      service = startProgram(file, words)
      service.ended.catch(() => {})
      process.env['CONTAINER_HOST'] = `unix://${socket}`
    }
    environment = await eventually(
      () => runtimeEnvironment(engine),
      ({ variables: told }) => told.length > 0,
    )
  })

  afterAll(async () => {
    delete process.env['CONTAINER_HOST']
    service?.child.kill('SIGTERM')
    await service?.ended.catch(() => {})
    await runtime.images.remove(image)
    for (const path of [folder, imageFolder]) rmSync(path, { recursive: true, force: true })
  })

  const use = async (program: string, ...words: readonly string[]): Promise<unknown> => {
    const environmentOfTool = { ...variables(), TESTCONTAINERS_RYUK_DISABLED: 'true' }
    const { code, stdout, stderr } = await startProgram(process.execPath, [join(import.meta.dirname, program), image, ...words], {
      environment: environmentOfTool,
    }).ended
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`)
    return JSON.parse(stdout)
  }

  test('each variable has a reason, and each that is absent too', () => {
    const told = [...(environment?.variables ?? []), ...(environment?.absent ?? [])]
    expect(told.map(({ name }) => name).toSorted()).toEqual([
      'CONTAINER_HOST',
      'DOCKER_CONTEXT',
      'DOCKER_HOST',
      'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE',
      'TESTCONTAINERS_HOST_OVERRIDE',
      'TESTCONTAINERS_RYUK_DISABLED',
    ])
    expect(told.filter(({ reason }) => reason.length < 5)).toEqual([])
  })

  test('dockerode runs a container there, and can mount the socket of the engine', async () => {
    const availability = discovered.find((each) => each.engine === engine)?.availability
    const version = availability?.status === 'available' ? availability.version : ''
    const told = await use('use-dockerode.ts', environment?.engineSocket ?? '')
    expect(told).toEqual({ version, exitCode: 7, log: 'socket\n' })
  })

  test('testcontainers runs a container there, reaches its port, and runs a command inside', async () => {
    const told = await use('use-testcontainers.ts')
    expect(told).toMatchObject({
      host: '127.0.0.1',
      body: 'hello from testcontainers',
      executed: { exitCode: 0, output: 'hello from testcontainers' },
    })
  })

  test('both leave nothing', async () => {
    expect(await runtime.containers.list({ everyone: true, labels: { 'rootless-other-tools': image } })).toEqual([])
  })
}

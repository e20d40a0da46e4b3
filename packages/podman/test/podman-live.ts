import { readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import { createLocalSystem } from '@rootless-runtime/host'
import {
  RootlessError,
  type ContainerPlan,
  type ContainerProcess,
  type EngineDriver,
  type ExecPlan,
} from '@rootless-runtime/core'
import { openPodmanDriver } from '../src/podman-driver.ts'
import { createPodmanService } from '../src/podman-service.ts'
import { execOf, PLAN } from './podman-plans.ts'

const TIMEOUT_MS = 30_000

export const FOREVER = ['sh', '-c', 'while :; do sleep 1000; done']

/** A container that is removed at the end of the block, whatever became of it. */
export interface LiveContainer extends AsyncDisposable {
  readonly id: string
  readonly name: string
}

/** Podman as it runs here, with an image of this process alone. */
export interface LivePodman extends AsyncDisposable {
  readonly driver: EngineDriver
  /** Of everything that is made here. */
  readonly prefix: string
  readonly image: string
  make(changes?: Partial<ContainerPlan>): Promise<LiveContainer>
  start(changes?: Partial<ContainerPlan>): Promise<LiveContainer>
  /** Runs a command inside: its stdout, its stderr and its exit code. */
  exec(id: string, command: readonly string[], changes?: Partial<ExecPlan>): Promise<readonly [string, string, number]>
}

/** A driver of this machine's Podman. */
export function openLiveDriver(): Promise<EngineDriver> {
  const capabilities = (): never => {
    throw new RootlessError('NOT_SUPPORTED', 'no limits are asked for here')
  }
  const machine = createLocalSystem()
  return openPodmanDriver({ machine, timeoutMs: TIMEOUT_MS, capabilities }, createPodmanService(machine, TIMEOUT_MS))
}

export async function openLivePodman(): Promise<LivePodman> {
  const driver = await openLiveDriver()
  const prefix = `live-${process.pid}`
  const image = `${prefix}:live`
  const built = await buildTestImage(readFileSync('/bin/busybox'), { Labels: { prefix } })
  const [loaded] = await driver.images.load(Readable.from([await toDockerArchive(built, image)]))
  if (loaded?.id !== built.id) throw new Error(`Podman loaded ${loaded?.id ?? 'nothing'} for ${built.id}`)
  let made = 0
  const make = async (changes: Partial<ContainerPlan> = {}): Promise<LiveContainer> => {
    const name = `${prefix}-${(made += 1)}`
    const id = await driver.containers.create({ ...PLAN, name, image, command: FOREVER, ...changes }, {})
    return { id, name, [Symbol.asyncDispose]: () => removeByForce(driver, id) }
  }
  return {
    driver,
    prefix,
    image,
    make,
    start: async (changes) => {
      const container = await make(changes)
      await driver.containers.start(container.id, {})
      return container
    },
    exec: async (id, command, changes) => await readAll(await driver.containers.exec(id, execOf(command, changes), {})),
    [Symbol.asyncDispose]: () => driver.images.remove(image),
  }
}

export async function removeByForce({ containers }: EngineDriver, id: string): Promise<void> {
  await containers.kill(id, 'SIGKILL', {}).catch(() => undefined)
  const { status } = await containers.inspect(id, {})
  if (status !== 'created') await containers.wait(id, {})
  await containers.remove(id, {})
}

export async function readAll({ stdout, stderr, ended }: ContainerProcess): Promise<readonly [string, string, number]> {
  return await Promise.all([text(stdout), text(stderr), ended])
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** Everything that comes, in its order. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}

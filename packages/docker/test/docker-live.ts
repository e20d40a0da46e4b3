import { readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import type { Server } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import type { ContainerPlan, ContainerProcess, EngineDriver, ExecPlan } from '@rootless-runtime/core'
import { execOf, openDriver, PLAN } from './docker-plans.ts'

const SOCKET = `${process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`}/docker.sock`
const TIMEOUT_MS = 10_000

export const FOREVER = ['sh', '-c', 'while :; do sleep 1000; done']

/** A container that is removed at the end of the block, whatever became of it. */
export interface LiveContainer extends AsyncDisposable {
  readonly id: string
  readonly name: string
}

/** Docker as it runs here, with an image of this process alone. */
export interface LiveDocker extends AsyncDisposable {
  readonly driver: EngineDriver
  /** Of everything that is made here. */
  readonly prefix: string
  readonly image: string
  make(changes?: Partial<ContainerPlan>): Promise<LiveContainer>
  start(changes?: Partial<ContainerPlan>): Promise<LiveContainer>
  /** Runs a command inside: its stdout, its stderr and its exit code. */
  exec(id: string, command: readonly string[], changes?: Partial<ExecPlan>): Promise<readonly [string, string, number]>
}

export async function openLiveDocker(): Promise<LiveDocker> {
  const driver = await openDriver(SOCKET, TIMEOUT_MS)
  const prefix = `live-${process.pid}`
  const image = `${prefix}:live`
  const built = await buildTestImage(readFileSync('/bin/busybox'), { Labels: { prefix } })
  const [loaded] = await driver.images.load(Readable.from([await toDockerArchive(built, image)]))
  if (loaded?.id !== built.id) throw new Error(`Docker loaded ${loaded?.id ?? 'nothing'} for ${built.id}`)
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

async function removeByForce({ containers }: EngineDriver, id: string): Promise<void> {
  await containers.kill(id, 'SIGKILL', {}).catch(() => undefined)
  const { status } = await containers.inspect(id, {})
  if (status !== 'created') await containers.wait(id, {})
  await containers.remove(id, {})
}

export async function readAll({ stdout, stderr, ended }: ContainerProcess): Promise<readonly [string, string, number]> {
  return await Promise.all([text(stdout), text(stderr), ended])
}

/** What Docker itself says, past all of our code. */
export async function askDocker(path: string): Promise<string> {
  const answered = Promise.withResolvers<Readable>()
  get({ socketPath: SOCKET, path }, answered.resolve).on('error', answered.reject)
  return await text(await answered.promise)
}

/** Folders in memory that hold the secrets of containers now. */
export function listSecretFolders(): readonly string[] {
  const places = [process.env['XDG_RUNTIME_DIR'] ?? '/dev/shm', '/dev/shm']
  return [...new Set(places)].flatMap((place) =>
    readdirSync(place).filter((name) => name.startsWith('rootless-runtime-secrets-')),
  )
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdapterOptions, Machine } from '@rootless-runtime/core'
import { createDocker } from '@rootless-runtime/docker'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { createPodman } from '@rootless-runtime/podman'
import { discoverRuntimes, openRuntime, type EngineName, type RootlessRuntime } from 'rootless-runtime'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { missEngine } from '../../leave-out.ts'
import {
  BUSY,
  listLongCalls,
  listMakingCalls,
  loadAndTell,
  listShortCalls,
  makeCallGround,
  type CallGround,
} from './engine-calls.ts'
import { follow, renderEnds, type End } from './follow-calls.ts'
import { openPrivateDocker } from './private-docker.ts'
import type { PrivateEngine } from './private-engine.ts'
import { openPrivatePodman } from './private-podman.ts'

// Engines that are killed and stopped, each a private one: what every call says then, how soon, and what is left.

const ENGINES: readonly (readonly [EngineName, () => Promise<PrivateEngine>, Factory])[] = [
  ['docker', openPrivateDocker, createDocker],
  ['podman', openPrivatePodman, createPodman],
]
const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1)
/** What a call may take to tell that its engine has died. */
const GONE_MS = 2000
/** Of one question, for engines that are stopped. */
const HUNG_MS = 2000
const MARK = `private-${process.pid}`
const here = new Map((await discoverRuntimes()).map(({ engine, availability }) => [engine, availability]))

describe.each(ENGINES)('%s', { timeout: 120_000 * PATIENCE }, (name, openEngine, create) => {
  const availability = here.get(name)
  if (availability?.status !== 'available') {
    return missEngine(name, availability?.reason ?? 'nobody looked')
  }
  let engine: PrivateEngine
  let ground: CallGround
  let round = 0

  beforeAll(async () => {
    engine = await openEngine()
    ground = await makeCallGround(await openRuntime(name, { timeoutMs: 20_000 }), MARK)
  }, 120_000 * PATIENCE)

  // Whatever became of the test before.
  beforeEach(async () => {
    engine.resume()
    await engine.start()
    ground = await restartBusy(ground)
  }, 60_000 * PATIENCE)

  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
  }, 60_000 * PATIENCE)

  test('killed in the middle of whatever runs, works or streams is ENGINE_GONE within 2 s', async ({ annotate }) => {
    const before = await listAll(ground.runtime)
    const followed = follow(listLongCalls(ground))
    await sleep(2000)
    const loading = Promise.withResolvers<void>()
    const loaded = follow({ load: () => loadAndTell(ground, loading.resolve) })
    await loading.promise
    const killedMs = engine.kill()
    const ends = [...(await followed.endsAfter(killedMs)), ...(await loaded.endsAfter(killedMs))]
    await annotate(renderEnds(ends))
    expect(ends.filter(({ code, afterMs }) => code !== 'ENGINE_GONE' || afterMs < 0 || afterMs > GONE_MS)).toEqual([])
    await engine.start()
    await awaitAll(ground.runtime, before)
  })

  test('killed before it has answered is ENGINE_GONE within 2 s, whatever was asked', async ({ annotate }) => {
    const before = await listAll(ground.runtime)
    await engine.suspend()
    const followed = follow(listShortCalls(ground, (round += 1).toString()))
    await sleep(1000)
    const ends = await followed.endsAfter(engine.kill())
    await annotate(renderEnds(ends))
    // Podman's service is this library's: what is asked after the death of one is asked of the next.
    const isRight = ({ code, afterMs }: End): boolean => code === 'ENGINE_GONE' && afterMs >= 0 && afterMs <= GONE_MS
    expect(ends.filter((end) => !isRight(end) && !(name === 'podman' && end.code === 'done'))).toEqual([])
    await engine.start()
    await ground.runtime.containers.sweep()
    for (const end of ends) if (end.code === 'done') await undo(ground, end, round)
    await awaitAll(ground.runtime, before)
  })

  test.for([10, 150, 400, 1000])(
    'killed %i ms after all kinds of things were begun makes each or none of them, and a sweep leaves none half-made',
    async (delayMs, { annotate }) => {
      const before = await listAll(ground.runtime)
      const secretsBefore = listSecretFolders(engine)
      const [making, again] = [listMakingCalls(ground, (round += 1).toString()), round]
      const followed = follow(making)
      await sleep(delayMs)
      const ends = await followed.endsAfter(engine.kill())
      expect(ends.filter(({ code }) => code !== 'done' && code !== 'ENGINE_GONE')).toEqual([])
      await engine.start()
      if (name === 'docker') await annotate(`images without a name: ${await removeNameless(ground.runtime)}`)
      const swept = await ground.runtime.containers.sweep()
      expect(swept.failed).toEqual([])
      for (const end of ends) if (end.code === 'done') await undo(ground, end, again)
      await awaitAll(ground.runtime, before)
      expect(listSecretFolders(engine).filter((folder) => !secretsBefore.includes(folder))).toEqual([])
      expect(listSpooled(engine)).toEqual([])
      // Every name is free again.
      const after = await follow(making).endsAfter(performance.now())
      expect(after.filter(({ code }) => code !== 'done')).toEqual([])
      for (const end of after) await undo(ground, end, again)
    },
  )

  test('stopped and not dead holds each question for its time limit, and makes nothing when it goes on', async ({ annotate }) => {
    const machine = createLocalSystem()
    const runtime = create(machine, { timeoutMs: HUNG_MS, workplace: { machine, hostFacts: () => probeHost(machine) } })
    const impatient: CallGround = {
      ...ground,
      runtime,
      archive: ground.smallArchive,
      busy: await runtime.containers.get(ground.busy.name),
      idle: await runtime.containers.get(ground.idle.name),
    }
    const before = await listAll(ground.runtime)
    await engine.suspend()
    const followed = follow(listShortCalls(impatient, (round += 1).toString()))
    const ends = await followed.endsAfter(performance.now())
    await annotate(renderEnds(ends))
    engine.resume()
    // One limit until it is asked whether it is there, and one for that answer.
    expect(ends.filter(({ code, afterMs }) => code !== 'ENGINE_TIMEOUT' || afterMs > 2 * HUNG_MS + 2000)).toEqual([])
    await awaitAll(ground.runtime, before, async () => (await runtime.containers.sweep()).failed)
  })

  test('stopped and not dead lets go at once of whoever gives up', async ({ annotate }) => {
    const stop = new AbortController()
    const before = await listAll(ground.runtime)
    const followed = follow(listLongCalls(ground), stop.signal)
    await sleep(1500)
    await engine.suspend()
    const ending = followed.endsAfter(performance.now())
    stop.abort()
    const ends = await ending
    await annotate(renderEnds(ends))
    engine.resume()
    // A command inside is ended first, for which an engine that answers is needed.
    const limitMs = (call: string): number => (call === 'exec with stdin' ? 6000 : 1000)
    const isRight = ({ name: call, code, afterMs }: End): boolean =>
      code === 'ABORTED' && afterMs >= 0 && afterMs <= limitMs(call)
    expect(ends.filter((end) => !isRight(end))).toEqual([])
    await awaitAll(ground.runtime, before)
  })
})

/** An adapter's factory, which looks for nobody. */
type Factory = (machine: Machine, options: AdapterOptions) => RootlessRuntime

/** What the engine holds, as words that can be compared. */
async function listAll({ containers, images, networks, volumes }: RootlessRuntime): Promise<readonly string[]> {
  const references = (await images.list()).flatMap(({ id, references: names }) => (names.length === 0 ? [id] : names))
  return [
    ...(await containers.list({ everyone: true })).map(({ name }) => `container ${name}`),
    ...references.filter((reference) => !reference.includes('-large')).map((reference) => `image ${reference}`),
    ...(await networks.list()).map(({ name }) => `network ${name}`),
    ...(await volumes.list()).map(({ name }) => `volume ${name}`),
  ].toSorted()
}

async function awaitAll(
  runtime: RootlessRuntime,
  before: readonly string[],
  sweep: () => Promise<readonly unknown[]> = async () => [],
): Promise<void> {
  const look = async (): Promise<readonly unknown[]> => [...(await sweep()), ...(await listAll(runtime))]
  await expect.poll(look, { timeout: 15_000 * PATIENCE, interval: 300 }).toEqual(before)
}

/** Docker that is killed between making an image and naming it keeps the image without a name (20.10.24): nobody knows whose. */
async function removeNameless({ images }: RootlessRuntime): Promise<number> {
  const nameless = (await images.list()).filter(({ references }) => references.length === 0)
  for (const { id } of nameless) await images.remove(id)
  return nameless.length
}

/** Takes back what a call made. */
async function undo({ runtime, mark }: CallGround, { name, value }: End, round: number): Promise<void> {
  const { images, networks, volumes, containers } = runtime
  if (isContainer(value) && value.name.startsWith(`${mark}-${round}-`))
    await (await containers.get(value.name)).remove({ force: true })
  if (name === 'commit') await images.remove(`${mark}-${round}-commit:latest`)
  if (name === 'load') await images.remove(`${mark}-${round}-load:latest`)
  if (name === 'create of a network') await networks.remove(`${mark}-${round}`)
  if (name === 'create of a volume') await volumes.remove(`${mark}-${round}`)
}

function isContainer(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
}

/** Docker's containers do not outlive it. */
async function restartBusy(ground: CallGround): Promise<CallGround> {
  const { containers } = ground.runtime
  await (await containers.get(ground.busy.name)).remove({ force: true })
  const busy = await containers.run({ image: ground.image, name: ground.busy.name, network: 'none', command: BUSY })
  await busy.exec(['dd', 'if=/dev/zero', 'of=/large', 'bs=1M', 'seek=2000', 'count=1'])
  return { ...ground, busy }
}

function listSecretFolders({ folder }: PrivateEngine): readonly string[] {
  return ['/dev/shm', join(folder, 'run')].flatMap((place) =>
    readdirSync(place).filter((each) => each.startsWith('rootless-runtime-secrets-')),
  )
}

/** What was written beside while an archive was read. */
function listSpooled({ folder }: PrivateEngine): readonly string[] {
  const places = ['home/.local/share/rootless-runtime/spool', 'home/.cache/rootless-runtime'].map((each) => join(folder, each))
  return places.flatMap((place) => (existsSync(place) ? readdirSync(place) : []))
}

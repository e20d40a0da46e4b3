import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import { createLocalSystem } from '@rootless-runtime/host'
import { discoverRuntimes, ENGINE_TITLES, type ContainerOptions, type RootlessRuntime, type SweepResult } from 'rootless-runtime'
import { build } from 'tsup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { supervisorInside } from '../../../packages/lxc/supervisor-inside.ts'
import { missEngine } from '../../leave-out.ts'
import { listLeft, type Killed } from './what-is-left.ts'

// Callers that are killed with -9 at random moments of their calls, and one sweep of another process, after which nothing is left.

/** The same moments each time; another number, others. */
const SEED = Number(process.env['TEST_SEED'] ?? 20_261_125)
const MOMENTS = Number(process.env['TEST_MOMENTS'] ?? 60)
const AT_ONCE = 3
/** A call takes so long, more or less. */
const LONGEST_MS = 900
/** A supervisor that nobody asks anything, and a service that nobody uses, end by themselves after five seconds. */
const GRACE_MS = 8000

const discovered = await discoverRuntimes()
const folder = mkdtempSync(join(tmpdir(), 'rootless-killed-'))
const program = join(folder, 'killed-caller.js')

// Sources take four times as long to load.
beforeAll(async () => {
  await build({
    entry: [join(import.meta.dirname, 'killed-caller.ts')],
    outDir: folder,
    format: 'esm',
    target: 'node22',
    platform: 'node',
    config: false,
    silent: true,
    outExtension: () => ({ js: '.js' }),
    noExternal: [/.*/u],
    esbuildPlugins: [supervisorInside],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    esbuildOptions: (options) => {
      options.conditions = ['@rootless-runtime/source', 'node', 'import']
    },
  })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function start(words: readonly string[]) {
  return spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Most of a call's steps are its first ones: each of those is to be the last one of some caller. */
const MOST_STEPS = 60

/** Gives its pid. Killed while it calls, or when it has called: by us after a time, or by itself after a number of steps. */
async function killCaller(call: readonly string[], random: () => number, bySteps: boolean): Promise<number> {
  const chosen = random()
  const words = bySteps ? [...call, String(1 + Math.floor(chosen ** 1.5 * MOST_STEPS))] : call
  const afterMs = bySteps ? LONGEST_MS : chosen * LONGEST_MS
  const child = start(words)
  const said = text(child.stderr)
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (child.exitCode !== null) throw new Error(`it ended before it called: ${await said}`)
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
  await Promise.race([sleep(afterMs), ended])
  child.kill('SIGKILL')
  await ended
  if (child.exitCode !== null) throw new Error(`${words.join(' ')} ended by itself: ${await said}`)
  return child.pid ?? 0
}

interface Place {
  readonly runtime: RootlessRuntime
  readonly mark: string
  readonly image: string
  readonly word: string
}

const CALLS = ['create', 'run', 'start', 'runToEnd'] as const

/** Secrets of root, of another user or none; a port, a network with a name, or nothing. */
function toOptions({ mark, image, word }: Place, moment: number, port: number): ContainerOptions {
  const kind = Math.floor(moment / CALLS.length) % 5
  return {
    image,
    name: `${mark}-${moment}`,
    command: ['sleep', word],
    ...(kind === 4 ? {} : { secrets: { word: 'hunter2' } }),
    ...(kind === 1 ? { user: '1000' } : {}),
    ...(kind === 2 ? { network: mark } : kind === 3 ? { network: 'none' } : {}),
    ...(kind === 0 || kind === 4 ? { ports: [{ container: 80, host: port }] } : {}),
  }
}

async function killAll(place: Place, random: () => number): Promise<{ readonly pids: Set<number>; readonly ports: Set<number> }> {
  const machine = createLocalSystem()
  const [pids, ports] = [new Set<number>(), new Set<number>()]
  let next = 0
  const work = async (): Promise<void> => {
    for (let moment = next++; moment < MOMENTS; moment = next++) {
      const free = await machine.findFreePort('tcp', '127.0.0.1')
      if (free.status !== 'ok') throw new Error(free.reason)
      ports.add(free.value)
      const words = [
        place.runtime.engine,
        CALLS[moment % CALLS.length] ?? '',
        JSON.stringify(toOptions(place, moment, free.value)),
      ]
      // A third at moments that nobody knows of.
      pids.add(await killCaller(words, random, moment % 3 !== 0))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { pids, ports }
}

/** @throws when somebody listens there */
async function listenAt(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  server.close()
  return port
}

async function sweepElsewhere(engine: string): Promise<SweepResult> {
  const child = start([engine, 'sweep'])
  const [printed, said] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (printed === '') throw new Error(said)
  // Written by our own program.
  const swept: SweepResult = JSON.parse(printed)
  return swept
}

async function listLeftAtLast(runtime: RootlessRuntime, killed: Killed): Promise<readonly string[]> {
  const until = Date.now() + GRACE_MS
  for (;;) {
    const left = await listLeft(runtime, killed)
    if (left.length === 0 || Date.now() > until) return left
    await sleep(200)
  }
}

describe.each(discovered)('callers killed on $engine', ({ engine, runtime, availability }) => {
  const title = ENGINE_TITLES[engine]
  if (availability.status !== 'available') {
    return missEngine(title, availability.reason)
  }
  const mark = `killed-${engine}-${process.pid}`
  const place: Place = { runtime, mark, image: `${mark}:latest`, word: `${1_000_000_000 + process.pid}` }

  beforeAll(async () => {
    const image = await buildTestImage(readFileSync('/bin/busybox'))
    await runtime.images.load(Readable.from([await toDockerArchive(image, place.image)]))
    await runtime.networks.create(mark)
  })

  afterAll(async () => {
    for (const { id, name } of await runtime.containers.list({ everyone: true }))
      if (name.startsWith(mark)) await (await runtime.containers.get(id)).remove({ force: true })
    await runtime.images.remove(place.image)
  })

  test(`one sweep leaves nothing of ${MOMENTS} callers that were killed in the middle (seed ${SEED})`, async () => {
    const { pids, ports } = await killAll(place, createRandom(SEED))
    const { removed, failed } = await sweepElsewhere(engine)
    expect(failed.filter(({ name }) => name.startsWith(mark))).toEqual([])
    // Killed earlier there is nothing to remove, killed later there always is: moments of both kinds were tried.
    const containers = removed.filter((name) => name.startsWith(mark)).length
    expect(containers).toBeGreaterThan(MOMENTS / 10)
    expect(containers).toBeLessThan(MOMENTS)
    expect(await listLeftAtLast(runtime, { mark, word: place.word, pids })).toEqual([])
    for (const port of ports) await expect(listenAt(port)).resolves.toBe(port)
    // It is in nobody's use.
    await runtime.networks.remove(mark)
  })
})

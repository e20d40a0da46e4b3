import { openRuntime, type Container, type EngineName, type RootlessRuntime } from 'rootless-runtime'
import { median } from '../measure.ts'
import { join } from 'node:path'
import {
  countBytes,
  ENGINE_FLOORS,
  openRawSocket,
  parseRawAnswer,
  timeProgram,
  timePrograms,
  type EngineFloor,
} from './engine-floor.ts'
import type { SpeedResult } from './results.ts'
import { makeTestRootfs } from './test-image.ts'

const IMAGE = 'rootless-bench:latest'
const STREAM_BYTES = 256 * 1024 * 1024
const AT_ONCE = 20
/** Half a millisecond each: as many again go before, until V8 has compiled both sides. */
const QUESTIONS = 500
/** The command as it is built, by `pnpm build`. */
const COMMAND = join(import.meta.dirname, '../../../apps/compare/dist/main.js')

/** One thing of ours beside the floor, in milliseconds each. */
type Pair = readonly [ours: () => Promise<number>, floor: () => Promise<number>]

interface Bench {
  readonly engine: EngineName
  readonly runtime: RootlessRuntime
  readonly floor: EngineFloor
  readonly container: Container
  /** What the engine's own tools are told to run. */
  readonly floorImage: string
  readonly socketPath: string
}

/** The ratios of one engine: ours to its own tools, run in turn so that a busy moment meets both. */
export async function measureSpeed(engine: EngineName): Promise<readonly SpeedResult[]> {
  const runtime = await openRuntime(engine)
  const rootfs = makeTestRootfs()
  await runtime.images.load(rootfs.path, { reference: IMAGE })
  rootfs.remove()
  const floor = ENGINE_FLOORS[engine]
  const container = await runtime.containers.run({ image: IMAGE, command: ['sleep', '3600'] })
  const ground = await floor.prepare()
  const bench = { engine, runtime, floor, container, floorImage: floor.image, socketPath: ground.socketPath }
  try {
    return [
      ...(await measureSocket(bench)),
      toResult(bench, 'exec of true', await inTurn(15, toExec(bench)), engine === 'lxc' ? 1.3 : 0.8),
      toResult(bench, 'run of true to its end', await inTurn(9, toRun(bench)), 1.1),
      toResult(bench, 'rootless run of true, as a command', await inTurn(9, toCommand(bench)), 1.1),
      toResult(bench, `stdout of ${STREAM_BYTES / 1024 ** 2} MiB`, await inTurn(9, toStream(bench)), 1),
      toResult(bench, `${AT_ONCE} runs at once`, await inTurn(3, toParallel(bench)), 1.1),
    ]
  } finally {
    ground.end()
    await container.remove({ force: true })
    await runtime.images.remove(IMAGE)
  }
}

async function measureSocket(bench: Bench): Promise<readonly SpeedResult[]> {
  const { socket } = bench.floor
  if (socket === null) return []
  const raw = await openRawSocket(bench.socketPath)
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    const beganMs = performance.now()
    await work()
    return performance.now() - beganMs
  }
  const list = (): Promise<number> => time(() => bench.runtime.containers.list({ everyone: true }))
  const inspect = (): Promise<number> => time(() => bench.container.inspect())
  const asRaw = (path: string) => () => time(() => raw.ask(path))
  const asJson = (path: string) => () => time(async () => parseRawAnswer(await raw.ask(path)))
  const measureQuestion = async (title: string, pair: Pair): Promise<SpeedResult> =>
    toResult(bench, title, await inTurn(QUESTIONS, pair, QUESTIONS), 1.3)
  try {
    return [
      await measureQuestion('list, to a raw kept connection', [list, asRaw(socket.list)]),
      await measureQuestion('list, to one whose JSON is parsed', [list, asJson(socket.list)]),
      await measureQuestion('inspect, to a raw kept connection', [inspect, asRaw(socket.inspect(bench.container.id))]),
      await measureQuestion('inspect, to one whose JSON is parsed', [inspect, asJson(socket.inspect(bench.container.id))]),
    ]
  } finally {
    raw.end()
  }
}

function toExec({ container, floor }: Bench): Pair {
  return [() => timed(() => container.exec(['true'])), () => timeProgram(floor.exec(container.id, ['true']))]
}

let runs = 0

function toRun({ runtime, floor, floorImage, engine }: Bench): Pair {
  return [
    () => timed(() => runtime.containers.runToEnd({ image: IMAGE, command: ['true'] })),
    () => timePrograms(floor.run(floorImage, `rootless-bench-${engine}-${(runs += 1)}`, ['true'])),
  ]
}

function toCommand({ floor, floorImage, engine }: Bench): Pair {
  const words = [process.execPath, COMMAND, 'run', '--rm', '--engine', engine, IMAGE, 'true']
  return [
    () => timeProgram(words),
    () => timePrograms(floor.run(floorImage, `rootless-bench-${engine}-${(runs += 1)}`, ['true'])),
  ]
}

function toStream({ container, floor }: Bench): Pair {
  const command = ['head', '-c', String(STREAM_BYTES), '/dev/zero']
  const ours = async (): Promise<void> => {
    const { stdout, stderr, ended } = await container.open(command)
    stderr.resume()
    const bytes = await countBytes(stdout)
    if (bytes !== STREAM_BYTES || (await ended) !== 0) throw new Error(`${bytes} bytes came`)
  }
  return [() => timed(ours), () => timeProgram(floor.exec(container.id, command))]
}

function toParallel(bench: Bench): Pair {
  const [ours, floor] = toRun(bench)
  const atOnce = (work: () => Promise<number>) => () => timed(() => Promise.all(Array.from({ length: AT_ONCE }, work)))
  return [atOnce(ours), atOnce(floor)]
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}

interface Times {
  readonly ours: readonly number[]
  readonly floor: readonly number[]
}

/** `warmingRounds`: not counted. */
async function inTurn(rounds: number, [ours, floor]: Pair, warmingRounds = 1): Promise<Times> {
  for (let round = 0; round < warmingRounds; round += 1) {
    await ours()
    await floor()
  }
  const times = { ours: [] as number[], floor: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) times.ours.push(await ours())
    times.floor.push(await floor())
    if (round % 2 === 1) times.ours.push(await ours())
  }
  return times
}

function toResult({ engine }: Bench, title: string, { ours, floor }: Times, limit: number): SpeedResult {
  const [oursMs, floorMs] = [median(ours), median(floor)]
  const ratio = oursMs / floorMs
  return { engine, title, oursMs, floorMs, ratio, limit, rounds: floor.length, met: ratio <= limit }
}

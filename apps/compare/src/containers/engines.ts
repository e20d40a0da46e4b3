import {
  ENGINE_TITLES,
  listRuntimes,
  printable,
  RootlessError,
  selectRuntime,
  type Container,
  type ContainerOptions,
  type EngineName,
  type PortOptions,
  type RequiredPort,
  type Requirement,
  type RootlessRuntime,
} from 'rootless-runtime'
import { listNeededLimits } from './parse-limits.ts'

/** Which engines a person wants. */
export interface EngineWords {
  /** All that we know unless told. */
  readonly engine?: readonly EngineName[]
  /** For one question to an engine, in seconds. */
  readonly timeout: number
}

/** What came of asking every engine for one thing. */
export interface EngineAnswer<Value> {
  readonly engine: EngineName
  readonly answer:
    | { readonly status: 'answered'; readonly value: Value }
    /** It is not there. */
    | { readonly status: 'unavailable'; readonly reason: string }
    /** Nobody could tell. */
    | { readonly status: 'unknown'; readonly reason: string }
}

/** The engines of a choice, without asking whether they are there. */
export function openEngines({ engine, timeout }: EngineWords): Promise<readonly RootlessRuntime[]> {
  return listRuntimes({ timeoutMs: timeout * 1000, ...(engine && { engines: engine }) })
}

/** Asks every engine at once. One that is absent, fails or hangs is an answer, and stops no other. */
export function askEngines<Value>(
  runtimes: readonly RootlessRuntime[],
  { timeout }: EngineWords,
  ask: (runtime: RootlessRuntime) => Promise<Value>,
): Promise<readonly EngineAnswer<Value>[]> {
  return Promise.all(
    runtimes.map(async (runtime): Promise<EngineAnswer<Value>> => {
      const { engine } = runtime
      try {
        return { engine, answer: { status: 'answered', value: await withinTime(ask(runtime), timeout * 1000, engine) } }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        const absent = error instanceof RootlessError && error.code === 'ENGINE_UNAVAILABLE'
        return { engine, answer: { status: absent ? 'unavailable' : 'unknown', reason } }
      }
    }),
  )
}

async function withinTime<Value>(promise: Promise<Value>, timeoutMs: number, engine: EngineName): Promise<Value> {
  // Left behind, it may fail later, and nobody would be there to hear.
  promise.catch(() => {})
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new RootlessError('ENGINE_TIMEOUT', `${engine} did not answer within ${timeoutMs / 1000} s`, { engine })),
    timeoutMs,
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The one container of that name or id, wherever it is. */
export async function findContainer(nameOrId: string, words: EngineWords): Promise<Container> {
  const runtimes = await openEngines(words)
  const only = runtimes.length === 1 ? runtimes[0] : undefined
  // Its own words, with its fix, when it is the only one that was asked.
  if (only !== undefined) return only.containers.get(nameOrId)
  const patience = createPatience()
  const answers = await askEngines(runtimes, words, async (runtime) => {
    const container = await Promise.race([getOrNull(runtime, nameOrId), patience.over])
    if (container !== null) patience.begin()
    return container
  })
  const found = answers.flatMap(({ engine, answer }) =>
    answer.status === 'answered' && answer.value !== null ? [{ engine, container: answer.value }] : [],
  )
  const [first] = found
  const name = printable(nameOrId, 120)
  if (found.length > 1) {
    const engines = found.map(({ engine }) => engine).join(' and ')
    throw new RootlessError('INVALID_ARGUMENT', `${name} is a container of ${engines}: say which by --engine`)
  }
  if (first !== undefined) return first.container
  throw new RootlessError('CONTAINER_NOT_FOUND', [`no engine has a container ${name}`, ...listSilent(answers)].join('\n'))
}

/** How long the other engines may take once one has said yes: a name on two of them is told when both are well. */
const PATIENCE_MS = 2000

function createPatience(): { readonly begin: () => void; readonly over: Promise<never> } {
  const { promise: over, reject } = Promise.withResolvers<never>()
  over.catch(() => {})
  const late = new RootlessError('ENGINE_TIMEOUT', `no answer within ${PATIENCE_MS / 1000} s of the first`)
  return { begin: () => void setTimeout(() => reject(late), PATIENCE_MS).unref(), over }
}

async function getOrNull(runtime: RootlessRuntime, nameOrId: string): Promise<Container | null> {
  try {
    return await runtime.containers.get(nameOrId)
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'CONTAINER_NOT_FOUND') return null
    throw error
  }
}

/** A line for each engine that nobody could ask. One that is not there has nothing. */
export function listSilent(answers: readonly EngineAnswer<unknown>[]): readonly string[] {
  return answers.flatMap(({ engine, answer }) =>
    answer.status === 'unknown' ? [`${ENGINE_TITLES[engine]} could not be asked: ${answer.reason}`] : [],
  )
}

/** An engine, and why this one: a line for each that was looked at. */
export interface ChosenEngine {
  readonly runtime: RootlessRuntime
  readonly why: readonly string[]
}

/**
 * The engine to run these options on: the one that was named, or the first that applies the limits and publishes the ports and
 * has the image; when none has it, the first of the others.
 */
export async function chooseEngine(
  options: Pick<ContainerOptions, 'image' | 'limits' | 'ports'>,
  { engine, timeout }: EngineWords,
  signal: AbortSignal,
): Promise<ChosenEngine> {
  if (engine?.length === 1) {
    const [runtime] = await openEngines({ engine, timeout })
    if (runtime !== undefined) return { runtime, why: [`${ENGINE_TITLES[runtime.engine]}: named by --engine`] }
  }
  const fitting: RootlessRuntime[] = []
  try {
    return await selectRuntime({
      timeoutMs: timeout * 1000,
      ...(engine && { engines: engine }),
      require: toRequirement(options),
      accept: async (runtime) => {
        fitting.push(runtime)
        return (await hasImage(runtime, options.image, signal)) ? null : `it has no image ${printable(options.image, 120)}`
      },
    })
  } catch (error) {
    const [first] = fitting
    if (first === undefined || !(error instanceof RootlessError)) throw error
    return { runtime: first, why: error.message.split('\n').slice(1) }
  }
}

async function hasImage(runtime: RootlessRuntime, image: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runtime.images.inspect(image, { signal })
    return true
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'IMAGE_NOT_FOUND') return false
    throw error
  }
}

/** What an engine must be able to do for these options. */
export function toRequirement({ limits, ports }: Pick<ContainerOptions, 'limits' | 'ports'>): Requirement {
  const needed = listNeededLimits(limits)
  const published = (ports ?? []).map(toRequiredPort)
  return { ...(needed.length > 0 && { limits: needed }), ...(published.length > 0 && { ports: published }) }
}

function toRequiredPort({ host, protocol = 'tcp' }: PortOptions): RequiredPort {
  return host === undefined ? { protocol } : { host, protocol }
}

import {
  ENGINE_NAMES,
  loadLifecycle,
  RootlessError,
  toEngineUnavailable,
  type AdapterOptions,
  type Availability,
  type EngineName,
  type HostFacts,
  type RootlessRuntime,
  type System,
  type Workplace,
} from '@rootless-runtime/core'

/** Options of every question: through which door, how long, and until when. */
export interface RuntimeOptions {
  /** The door to the machine; this one's unless told. A recording can stand in for it. */
  readonly system?: System
  /** How long one engine may take for one question, in milliseconds; 10 seconds unless told. */
  readonly timeoutMs?: number
  /** Ends whatever is going on: commands, connections, waiting. */
  readonly signal?: AbortSignal
}

/** What to look for, beside the options of every question. */
export interface DiscoverOptions extends RuntimeOptions {
  /** The engines to ask, in this order; all that we know unless told. */
  readonly engines?: readonly EngineName[]
}

/** One engine that was looked for: its runtime, and whether there is anything to ask. */
export interface DiscoveredRuntime {
  readonly engine: EngineName
  readonly runtime: RootlessRuntime
  readonly availability: Availability
}

export const DEFAULT_TIMEOUT_MS = 10_000

interface Adapter {
  readonly create: (system: System, options: AdapterOptions) => RootlessRuntime
  /** Loads what the adapter would load when first asked. */
  readonly load?: () => Promise<void>
  /** Loads what it would load when something is first run. */
  readonly loadDriver: () => Promise<void>
}

// Imported when first used: whoever asks for one engine does not pay for the others.
const ADAPTERS: Readonly<Record<EngineName, () => Promise<Adapter>>> = {
  docker: async () => {
    const { createDocker, loadDocker, loadDockerDriver } = await import('@rootless-runtime/docker')
    return { create: createDocker, load: loadDocker, loadDriver: loadDockerDriver }
  },
  podman: async () => {
    const { createPodman, loadPodman, loadPodmanDriver } = await import('@rootless-runtime/podman')
    return { create: createPodman, load: loadPodman, loadDriver: loadPodmanDriver }
  },
  lxc: async () => {
    const { createLxc, loadLxcDriver } = await import('@rootless-runtime/lxc')
    return { create: createLxc, loadDriver: loadLxcDriver }
  },
}

/** Where engines are asked, and run when it is a machine and no recording. */
export interface Ground {
  readonly system: System
  readonly workplace?: Workplace
}

/** The system of the options, or this machine. The host is probed once, when something is run that needs to know it. */
export async function resolveGround(options: RuntimeOptions): Promise<Ground> {
  if (options.system !== undefined) return { system: options.system }
  const { createLocalSystem, probeHost } = await import('@rootless-runtime/host')
  const machine = createLocalSystem(options.signal === undefined ? {} : { signal: options.signal })
  let probed: Promise<HostFacts> | undefined
  return { system: machine, workplace: { machine, hostFacts: () => (probed ??= probeHost(machine)) } }
}

/**
 * Loads every adapter with what it needs, for a process that is about to give up the right to read its own files: one that
 * becomes another user.
 */
export async function loadAdapters(): Promise<void> {
  await Promise.all([
    import('@rootless-runtime/host'),
    ...ENGINE_NAMES.map(async (engine) => (await ADAPTERS[engine]()).load?.()),
  ])
}

/** As `loadAdapters`, with all that runs containers. */
export async function loadDrivers(): Promise<void> {
  await Promise.all([
    loadAdapters(),
    loadLifecycle(),
    ...ENGINE_NAMES.map(async (engine) => (await ADAPTERS[engine]()).loadDriver()),
  ])
}

/** The adapter of an engine, whether the engine is there or not. Asks nothing. */
export async function createRuntime(
  engine: EngineName,
  { system, workplace }: Ground,
  timeoutMs: number,
): Promise<RootlessRuntime> {
  return (await ADAPTERS[engine]()).create(system, workplace === undefined ? { timeoutMs } : { timeoutMs, workplace })
}

/**
 * Looks for every engine at once. An engine that is not there is an answer too, with every place looked at.
 *
 * @throws RootlessError `ABORTED` when the signal fires.
 */
export async function discoverRuntimes(options: DiscoverOptions = {}): Promise<readonly DiscoveredRuntime[]> {
  const ground = await resolveGround(options)
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const found = await Promise.all(
    (options.engines ?? ENGINE_NAMES).map(async (engine) => {
      const runtime = await createRuntime(engine, ground, timeoutMs)
      return { engine, runtime, availability: await detectWithin(runtime, { timeoutMs, signal: options.signal }) }
    }),
  )
  throwIfAborted(options.signal)
  return found
}

/**
 * The runtime of one engine, known to be there.
 *
 * @throws RootlessError `ENGINE_UNAVAILABLE` with the reason and the fix when it is not.
 */
export async function openRuntime(engine: EngineName, options: RuntimeOptions = {}): Promise<RootlessRuntime> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const runtime = await createRuntime(engine, await resolveGround(options), timeoutMs)
  const availability = await detectWithin(runtime, { timeoutMs, signal: options.signal })
  throwIfAborted(options.signal)
  if (availability.status === 'available') return runtime
  throw toEngineUnavailable(engine, availability)
}

/** What `detect` says, within twice the time limit of one question: whoever hangs is unknown, and stops nobody else. */
export async function detectWithin(runtime: RootlessRuntime, limits: Limits): Promise<Availability> {
  try {
    return await within(runtime.detect(), limits, runtime.engine)
  } catch (error) {
    if (limits.signal?.aborted === true) throw error
    return { status: 'unknown', reason: error instanceof Error ? error.message : String(error), places: [] }
  }
}

/** How long one question may take, in milliseconds, and what ends it before. */
export interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * The promise, unless it has not settled after twice the time limit, or the signal fires: whatever hangs then is left behind.
 *
 * @throws RootlessError `ENGINE_TIMEOUT` or `ABORTED`.
 */
export async function within<Value>(
  promise: Promise<Value>,
  { timeoutMs, signal }: Limits,
  engine: EngineName | undefined,
): Promise<Value> {
  // Left behind, it may fail later, and nobody would be there to hear.
  promise.catch(() => {})
  throwIfAborted(signal)
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const timer = engine === undefined ? undefined : setTimeout(() => reject(toTimeout(engine, timeoutMs * 2)), timeoutMs * 2)
  const onAbort = (): void => reject(toAborted(signal))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

export function toTimeout(engine: EngineName, timeoutMs: number): RootlessError {
  return new RootlessError('ENGINE_TIMEOUT', `${engine} did not answer within ${timeoutMs / 1000} s`, { engine })
}

function toAborted(signal: AbortSignal | undefined): RootlessError {
  return new RootlessError('ABORTED', 'ended by the caller', { cause: signal?.reason })
}

/** @throws RootlessError `ABORTED` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw toAborted(signal)
}

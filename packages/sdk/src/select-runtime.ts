import {
  ENGINE_NAMES,
  ENGINE_TITLES,
  findShortfalls,
  findVersionShortfalls,
  RootlessError,
  type Capabilities,
  type EngineName,
  type EngineReport,
  type Fix,
  type HostFacts,
  type Requirement,
  type RootlessRuntime,
} from '@rootless-runtime/core'
import {
  createRuntime,
  DEFAULT_TIMEOUT_MS,
  detectWithin,
  resolveGround,
  throwIfAborted,
  within,
  type DiscoverOptions,
  type Ground,
  type Limits,
} from './runtimes.ts'

/** What is needed of an engine, beside the options of looking for one. */
export interface SelectOptions extends DiscoverOptions {
  readonly require: Requirement
  /** The last word about an engine that fits: why it is not wanted, or `null` when it is. */
  readonly accept?: (runtime: RootlessRuntime) => Promise<string | null>
}

/** The engine that was picked, with what it can do and why it was picked. */
export interface SelectedRuntime {
  readonly runtime: RootlessRuntime
  readonly capabilities: Capabilities
  /** Why this one and not those before it: a line per engine looked at. Those after it were not asked. */
  readonly why: readonly string[]
}

/** One engine judged against a requirement: what it lacks, one line per lack; empty when it fits. */
export interface RequirementAnswer {
  readonly engine: EngineReport['engine']
  readonly lacks: readonly string[]
}

/** Judges every engine of a report against a requirement. */
export function judgeRequirement(engines: readonly EngineReport[], requirement: Requirement): readonly RequirementAnswer[] {
  return engines.map(({ engine, availability, capabilities }) => ({
    engine,
    lacks: listLacks(engine, availability, capabilities, requirement),
  }))
}

function listLacks(
  engine: EngineName,
  availability: EngineReport['availability'],
  capabilities: Capabilities | null,
  requirement: Requirement,
): readonly string[] {
  if (availability.status !== 'available') return [withFix(availability.reason, availability.fix)]
  if (capabilities === null) return ['its capabilities could not be read']
  const shortfalls = [
    ...findVersionShortfalls(engine, availability.version, requirement),
    ...findShortfalls(capabilities, requirement),
  ]
  return shortfalls.map(({ asked, reason, fix }) => withFix(`${asked}: ${reason}`, fix))
}

function withFix(reason: string, fix: Fix | undefined): string {
  return fix === undefined ? reason : `${reason} (to fix: ${fix.summary})`
}

/**
 * Picks the first engine, in the order of `engines`, that has all that is required. They are asked one after the other, so that
 * an engine that nobody needs is not asked.
 *
 * @throws RootlessError `REQUIREMENT_NOT_MET` with a line per engine when none fits, `ABORTED` when the signal fires.
 */
export async function selectRuntime(options: SelectOptions): Promise<SelectedRuntime> {
  const limits = { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal: options.signal }
  const ground = await resolveGround(options)
  let probing: Promise<HostFacts> | undefined
  const probeOnce = (): Promise<HostFacts> => (probing ??= probe(ground))
  const why: string[] = []
  for (const engine of options.engines ?? ENGINE_NAMES) {
    const runtime = await createRuntime(engine, ground, limits.timeoutMs)
    const entry = await askCandidate(runtime, probeOnce, limits)
    const lacks = [...listLacks(engine, entry.availability, entry.capabilities, options.require)]
    const refusal = lacks.length === 0 ? await options.accept?.(runtime) : undefined
    throwIfAborted(options.signal)
    if (typeof refusal === 'string') lacks.push(refusal)
    why.push(`${ENGINE_TITLES[engine]}: ${lacks.length === 0 ? 'fits' : lacks.join('; ')}`)
    if (lacks.length === 0 && entry.capabilities !== null) return { runtime, capabilities: entry.capabilities, why }
  }
  throw new RootlessError('REQUIREMENT_NOT_MET', `no engine of this host has what is required\n${why.join('\n')}`)
}

async function probe({ system, workplace }: Ground): Promise<HostFacts> {
  if (workplace !== undefined) return workplace.hostFacts()
  const { probeHost } = await import('@rootless-runtime/host')
  return probeHost(system)
}

/** One engine as a report would tell it; what it can do is not asked of one that is not there. */
async function askCandidate(
  runtime: RootlessRuntime,
  host: () => Promise<HostFacts>,
  limits: Limits,
): Promise<Omit<EngineReport, 'engine'>> {
  const availability = await detectWithin(runtime, limits)
  if (availability.status !== 'available') return { availability, capabilities: null }
  try {
    return { availability, capabilities: await within(host().then(runtime.capabilities), limits, runtime.engine) }
  } catch (error) {
    throwIfAborted(limits.signal)
    const reason = error instanceof Error ? error.message : String(error)
    return { availability: { status: 'unknown', reason, places: availability.places }, capabilities: null }
  }
}

/**
 * The runtime of each engine, without asking whether the engine is there: the first call to one finds out.
 */
export async function listRuntimes(options: DiscoverOptions = {}): Promise<readonly RootlessRuntime[]> {
  const ground = await resolveGround(options)
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  return Promise.all((options.engines ?? ENGINE_NAMES).map((engine) => createRuntime(engine, ground, timeoutMs)))
}

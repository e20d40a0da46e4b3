import {
  ENGINE_NAMES,
  REPORT_VERSION,
  type Availability,
  type EngineName,
  type EngineReport,
  type HostFacts,
  type Report,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import {
  createRuntime,
  DEFAULT_TIMEOUT_MS,
  detectWithin,
  resolveGround,
  within,
  type DiscoverOptions,
  type Limits,
} from './runtimes.ts'
import { VERSION } from './version.ts'

/** What is being asked, for a line of progress. */
export interface ReportProgress {
  readonly subject: EngineName | 'host'
  readonly state: 'asked' | 'answered'
}

/** What to ask for a report, and who hears of its progress. */
export interface ReportOptions extends DiscoverOptions {
  readonly onProgress?: (progress: ReportProgress) => void
}

/**
 * Asks the host and every engine at once, and returns everything about this host at this time. An engine that is absent,
 * fails or hangs is in the report with its reason and stops no other.
 *
 * @throws RootlessError `ABORTED` when the signal fires.
 */
export function buildReport(options: ReportOptions = {}): Promise<Report> {
  const limits = { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal: options.signal }
  return within(assemble(options, limits), limits, undefined)
}

async function assemble(options: ReportOptions, limits: Limits): Promise<Report> {
  const { system } = await resolveGround(options)
  const announce = options.onProgress ?? ((): void => {})
  const names = options.engines ?? ENGINE_NAMES
  const runtimes = await Promise.all(names.map((engine) => createRuntime(engine, { system }, limits.timeoutMs)))
  // The engines first: `podman info` takes longer than all else together.
  const asked = runtimes.map((runtime) => ({
    runtime,
    detected: announced(runtime.engine, announce, () => detectWithin(runtime, limits)),
  }))
  const probing = announced('host', announce, () => probe(system))
  const [host, engines] = await Promise.all([
    probing,
    Promise.all(asked.map(({ runtime, detected }) => askEngine(runtime, detected, probing, limits))),
  ])
  return { reportVersion: REPORT_VERSION, toolVersion: VERSION, createdAt: new Date().toISOString(), host, engines }
}

async function probe(system: System): Promise<HostFacts> {
  const { probeHost } = await import('@rootless-runtime/host')
  return probeHost(system)
}

async function announced<Value>(
  subject: ReportProgress['subject'],
  announce: (progress: ReportProgress) => void,
  ask: () => Promise<Value>,
): Promise<Value> {
  announce({ subject, state: 'asked' })
  const answer = await ask()
  announce({ subject, state: 'answered' })
  return answer
}

async function askEngine(
  runtime: RootlessRuntime,
  detected: Promise<Availability>,
  host: Promise<HostFacts>,
  limits: Limits,
): Promise<EngineReport> {
  const { engine } = runtime
  const availability = await detected
  if (availability.status !== 'available') return { engine, availability, capabilities: null }
  try {
    const facts = await host
    const capabilities = await within(runtime.capabilities(facts), limits, engine)
    return { engine, availability, capabilities }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { engine, availability: { status: 'unknown', reason, places: availability.places }, capabilities: null }
  }
}

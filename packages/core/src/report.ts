import type { Capabilities } from './capabilities.ts'
import type { EngineName } from './engine.ts'
import type { HostFacts } from './host-facts.ts'
import type { Availability } from './runtime.ts'

/** Grows by one whenever a reader of older reports would misread a newer one. */
export const REPORT_VERSION = 1

/** Everything about one host at one time. */
export interface Report {
  readonly reportVersion: typeof REPORT_VERSION
  /** The version of rootless-runtime that made it. */
  readonly toolVersion: string
  /** When it was made, ISO 8601 in UTC. */
  readonly createdAt: string
  readonly host: HostFacts
  /** One entry per engine asked, in the order of `ENGINE_NAMES`. */
  readonly engines: readonly EngineReport[]
}

/** One engine in a report. */
export interface EngineReport {
  readonly engine: EngineName
  readonly availability: Availability
  /** `null` when there was no engine to ask, or it could not be asked. */
  readonly capabilities: Capabilities | null
}

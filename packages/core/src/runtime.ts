import type { Capabilities } from './capabilities.ts'
import type { Containers } from './containers/container.ts'
import type { Images } from './containers/image.ts'
import type { Networks, Volumes } from './containers/network.ts'
import type { EngineName } from './engine.ts'
import type { Fix } from './finding.ts'
import type { HostFacts } from './host-facts.ts'
import type { Machine } from './system.ts'

/** One engine without root, behind the interface that is the same for all of them. */
export interface RootlessRuntime {
  readonly engine: EngineName
  /** Whether the engine is here, and every place looked at. Absence is an answer. */
  detect(): Promise<Availability>
  /**
   * What the engine can do on this host, as it and the host claim.
   *
   * @throws RootlessError `ENGINE_UNAVAILABLE` when `detect` says that there is nothing to ask.
   */
  capabilities(host: HostFacts): Promise<Capabilities>
  readonly images: Images
  readonly containers: Containers
  readonly networks: Networks
  readonly volumes: Volumes
}

/** What every adapter's factory takes beside the door to the machine. */
export interface AdapterOptions {
  /** How long the engine may take for one question, in milliseconds. */
  readonly timeoutMs: number
  /** What containers are run with. Without it nothing can be run: a recording answers questions only. */
  readonly workplace?: Workplace
}

/** A machine to run containers on, and what is known of it. */
export interface Workplace {
  readonly machine: Machine
  /** Asked once, when a limit is wanted. */
  readonly hostFacts: () => Promise<HostFacts>
}

/** What a place that was looked at turned out to be. */
export const PLACE_VERDICTS = ['used', 'usable', 'absent', 'rootful', 'other-engine', 'unusable', 'unknown'] as const
/** One of `PLACE_VERDICTS`. */
export type PlaceVerdict = (typeof PLACE_VERDICTS)[number]

/** One place where an engine was looked for, with its answer. */
export interface Place {
  /** What was looked at: `DOCKER_HOST`, a socket, a program, a folder. */
  readonly place: string
  /** What came back, in a few words. */
  readonly answer: string
  readonly verdict: PlaceVerdict
}

/** Whether an engine can be asked, with every place that was looked at. `unknown`: it may be there, and nobody could tell. */
export type Availability =
  | {
      readonly status: 'available'
      readonly version: string
      /** What a client connects to or runs: a `unix://` address, or the path of a program. */
      readonly endpoint: string
      readonly places: readonly Place[]
    }
  | { readonly status: 'unavailable'; readonly reason: string; readonly places: readonly Place[]; readonly fix?: Fix }
  | { readonly status: 'unknown'; readonly reason: string; readonly places: readonly Place[]; readonly fix?: Fix }

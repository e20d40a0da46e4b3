import type { Readable } from 'node:stream'
import type { Capabilities } from '../capabilities.ts'
import type { EngineName } from '../engine.ts'
import type { Fact } from '../fact.ts'
import type { Machine } from '../system.ts'
import type { Call, LogOptions } from './container.ts'
import type { ContainerEvent, ContainerStatus, LogEntry, PublishedPort } from './container-state.ts'
import type { Images } from './image.ts'
import type { Networks, Volumes } from './network.ts'
import type { MountOptions } from './options.ts'
import type { ContainerProcess } from './process.ts'

/** Everything that an adapter does beside answering questions. */
export interface EngineDriver {
  readonly containers: ContainerDriver
  readonly images: Images
  readonly networks: Networks
  readonly volumes: Volumes
  /** When the engine answered last, on the clock of `performance`; absent where it does not stay away when it has died. */
  readonly answeredAtMs?: () => number
}

/** What an adapter's parts work with. Creating them asks nothing. */
export interface DriverContext {
  readonly machine: Machine
  /** For one question to the engine that is not about waiting, in milliseconds. */
  readonly timeoutMs: number
  /** What the engine can do on this host; asked once. @throws RootlessError `ENGINE_UNAVAILABLE` */
  capabilities(): Promise<Capabilities>
}

/**
 * What an adapter does for containers: one engine's own calls, and no rule of ours. Arguments were checked, defaults are filled
 * in, and every rule that is the same on all engines is kept by `createContainers`, which calls this. Every method throws
 * RootlessError with a code of ours; the engine's words become codes in a table of the adapter.
 */
export interface ContainerDriver {
  readonly engine: EngineName
  /** Makes it and gives its id. Nothing half-made stays when it throws. */
  create(plan: ContainerPlan, call: Call): Promise<string>
  /**
   * Removes what a `create` since then, which the engine's death has cut, left where `list` does not look. Absent where nothing can
   * be left there.
   */
  discardUnlisted?(name: string, since: Date, call: Call): Promise<void>
  /** Removes what processes that have ended left where `list` does not look. Absent where nothing can be left there. */
  sweepUnlisted?(call: Call): Promise<void>
  /** `COMMAND_NOT_FOUND`, `PORT_IN_USE` and the like. It stays when this throws; the caller removes it. */
  start(id: string, call: Call): Promise<void>
  /** By name or id. */
  inspect(nameOrId: string, call: Call): Promise<DriverState>
  /** Every container of the engine whose labels are these: what one question to the engine tells. */
  list(labels: Readonly<Record<string, string>>, call: Call): Promise<readonly DriverSummary[]>
  attach(id: string, call: Call): Promise<ContainerProcess>
  exec(id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess>
  logs(id: string, options: LogOptions): AsyncIterable<LogEntry>
  /** The exit code, as soon as it has ended. */
  wait(id: string, call: Call): Promise<number>
  /** `NOT_RUNNING` when it does not run. The signal is a name as `SIGTERM`. */
  kill(id: string, signal: string, call: Call): Promise<void>
  pause(id: string, call: Call): Promise<void>
  resume(id: string, call: Call): Promise<void>
  /** Removes one that does not run, with everything that the engine made for it (anonymous volumes, networks' processes). */
  remove(id: string, call: Call): Promise<void>
  /** Unpacks a tar stream in a folder inside. Works on one that does not run. `PATH_NOT_FOUND` without the folder. */
  copyIn(id: string, tar: AsyncIterable<Uint8Array>, targetFolder: string, call: Call): Promise<void>
  copyOut(id: string, path: string, call: Call): Promise<Readable>
  commit(id: string, reference: string, call: Call): Promise<string>
  events(call: Call): AsyncIterable<ContainerEvent>
  hostAddress(id: string, call: Call): Promise<string>
}

/** A container to make, with every default filled in. */
export interface ContainerPlan {
  readonly name: string
  readonly image: string
  /** `null`: the image's. */
  readonly entrypoint: readonly string[] | null
  /** `null`: the image's, unless an entrypoint is given, which leaves none. */
  readonly command: readonly string[] | null
  readonly environment: Readonly<Record<string, string>>
  readonly workdir: string | null
  readonly user: string | null
  readonly hostname: string | null
  /** The caller's, and those by which the container is known to be ours. */
  readonly labels: Readonly<Record<string, string>>
  readonly limits: LimitPlan
  readonly ports: readonly PublishedPort[]
  readonly network: string
  readonly mounts: readonly MountOptions[]
  readonly readOnlyRoot: boolean
  readonly dropCapabilities: readonly string[]
  readonly secrets: Readonly<Record<string, Uint8Array>>
  readonly terminal: boolean
  readonly stdin: boolean
  readonly stopSignal: string | null
}

/** The limits to apply; `null` means none. Those that are known not to be applied were taken out. */
export interface LimitPlan {
  readonly memoryBytes: number | null
  /** Beside the memory. */
  readonly swapBytes: number | null
  readonly cpus: number | null
  readonly pids: number | null
  readonly cpuset: string | null
  readonly ioWeight: number | null
}

/** A command to run inside. */
export interface ExecPlan {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workdir: string | null
  readonly user: string | null
  readonly terminal: boolean
  /** Whether anything comes on stdin; `/dev/null` otherwise. */
  readonly stdin: boolean
}

/** What an engine says of a container in a list. */
export interface DriverSummary {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  readonly image: string
  readonly imageId: string
  /** The words of the command, joined by blanks: for people. */
  readonly commandLine: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  /** `null` unless it has ended. */
  readonly exitCode: number | null
}

/** What an engine says of a container. */
export interface DriverState {
  readonly id: string
  readonly name: string
  readonly status: ContainerStatus
  readonly image: string
  readonly imageId: string
  readonly command: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  readonly exitCode: number | null
  readonly outOfMemory: Fact<boolean>
  readonly pid: number | null
  readonly address: string | null
  readonly terminal: boolean
  readonly stopSignal: string | null
}

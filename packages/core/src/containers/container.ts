import type { Readable } from 'node:stream'
import type { EngineName } from '../engine.ts'
import type { Fact } from '../fact.ts'
import type { PortProtocol } from '../system.ts'
import type {
  ContainerEnd,
  ContainerEvent,
  ContainerState,
  ContainerStats,
  ContainerSummary,
  HealthAnswer,
  LimitVerdict,
  LogEntry,
  PublishedPort,
  SweepResult,
} from './container-state.ts'
import type { ContainerOptions, ExecOptions } from './options.ts'
import type { ContainerProcess } from './process.ts'

/** The containers of one engine. Every method takes a signal; when it fires, `ABORTED` is thrown and nothing half-made stays. */
export interface Containers {
  /**
   * Makes a container without starting it.
   *
   * @throws RootlessError `INVALID_ARGUMENT`, `IMAGE_NOT_FOUND`, `NAME_IN_USE`, `LIMIT_NOT_ENFORCED`, `PORT_IN_USE`,
   * `PORT_FORBIDDEN`, `MOUNT_NOT_FOUND`, `NETWORK_NOT_FOUND`, `NOT_SUPPORTED`; nothing is left behind then.
   */
  create(options: ContainerOptions, call?: Call): Promise<Container>
  /** `create` and `start`: a running container, with its limits seen in its real cgroup. Nothing is left behind when it fails. */
  run(options: ContainerOptions, call?: Call): Promise<Container>
  /** Runs to the end, gives the output and removes the container. */
  runToEnd(options: ContainerOptions & RunToEndOptions): Promise<RunResult>
  /** @throws RootlessError `CONTAINER_NOT_FOUND` */
  get(nameOrId: string, call?: Call): Promise<Container>
  /** Those of this library, or every one of the engine with `everyone`; ended ones too. */
  list(options?: ListOptions): Promise<readonly ContainerSummary[]>
  /** What happens to containers, from now on. */
  events(call?: Call): AsyncIterable<ContainerEvent>
  /** Removes the containers of this library whose owner process has ended, or which are from before this boot. Never another's. */
  sweep(call?: Call): Promise<SweepResult>
}

/** What every call takes. */
export interface Call {
  readonly signal?: AbortSignal
}

/** One container. Disposing of it removes it, running or not. */
export interface Container extends AsyncDisposable {
  readonly engine: EngineName
  readonly id: string
  readonly name: string
  /** Which limits hold, as seen in the container's cgroup when it was started last; empty when none was asked. */
  readonly limits: readonly LimitVerdict[]
  inspect(call?: Call): Promise<ContainerState>
  /** Starts it, or starts it again after its end. One that runs already is left alone. */
  start(call?: Call): Promise<void>
  /** Its own command's streams. Before `start`, so that nothing is lost. */
  attach(call?: Call): Promise<ContainerProcess>
  /** Runs a command inside to its end. A command that ends with another exit code than 0 is an answer. */
  exec(command: readonly string[], options?: ExecOptions & OutputOptions): Promise<ExecResult>
  /** Starts a command inside and gives its streams. */
  open(command: readonly string[], options?: ExecOptions): Promise<ContainerProcess>
  logs(options?: LogOptions): AsyncIterable<LogEntry>
  stats(call?: Call): Promise<ContainerStats>
  /** Waits for its end; at once when it has ended. */
  wait(call?: Call): Promise<ContainerEnd>
  /** Asks it to end and ends it after `timeoutMs`, 10 seconds unless told. One that has ended is left alone. */
  stop(options?: StopOptions): Promise<void>
  /** @throws RootlessError `NOT_RUNNING`, `INVALID_ARGUMENT` for a signal that is none. */
  kill(signal?: string, call?: Call): Promise<void>
  /** Freezes every process. @throws RootlessError `NOT_SUPPORTED` where the container has no cgroup of its own. */
  pause(call?: Call): Promise<void>
  resume(call?: Call): Promise<void>
  /** @throws RootlessError `STILL_RUNNING` unless `force`; one that is gone already is fine. */
  remove(options?: RemoveOptions): Promise<void>
  /** Puts a tar stream, or a file or folder of the host, into a folder inside, which exists. Owned by the container's root. */
  copyIn(source: string | AsyncIterable<Uint8Array>, targetFolder: string, call?: Call): Promise<void>
  /** A file or folder as a tar stream; its first entry has the path's last name. @throws RootlessError `PATH_NOT_FOUND` */
  copyOut(path: string, call?: Call): Promise<Readable>
  /** Makes an image of it; gives the image's id. */
  commit(reference: string, call?: Call): Promise<string>
  /** @throws RootlessError `TIMEOUT` with the last answer, `NOT_RUNNING` when the container ends before. */
  waitFor(condition: WaitCondition, options?: WaitOptions): Promise<void>
  /** Runs the healthcheck once. `unknown` when it has none. */
  health(call?: Call): Promise<HealthAnswer>
  /** The port outside of a published port inside. @throws RootlessError `INVALID_ARGUMENT` when it is not published. */
  port(containerPort: number, protocol?: PortProtocol): PublishedPort
  /** An address at which the container reaches this host's services that listen on every address. */
  hostAddress(call?: Call): Promise<string>
}

/** What a command said, and how it ended. */
export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** How the output of a command is kept. */
export interface OutputOptions {
  /** Given to the command's stdin, which ends after it. */
  readonly input?: string | AsyncIterable<Uint8Array>
  /** Bytes kept of each stream, 16 MiB unless told. @throws RootlessError `OUTPUT_TOO_LARGE` when there is more; nothing is cut in silence. */
  readonly maximumOutputBytes?: number
}

/** Options of `runToEnd`. */
export interface RunToEndOptions extends OutputOptions {
  readonly signal?: AbortSignal
}

/** What `runToEnd` gives. */
export interface RunResult extends ExecResult {
  readonly outOfMemory: Fact<boolean>
  readonly limits: readonly LimitVerdict[]
}

/** Which part of the log. */
export interface LogOptions extends Call {
  /** Go on until the container ends. */
  readonly follow?: boolean
  readonly since?: Date
  /** The last lines only. */
  readonly tailLines?: number
}

/** How long a container may take to end by itself. */
export interface StopOptions extends Call {
  readonly timeoutMs?: number
}

/** How a container is removed. */
export interface RemoveOptions extends Call {
  /** Ends it first. */
  readonly force?: boolean
}

/** Which containers are listed. */
export interface ListOptions extends Call {
  /** Those of others too. */
  readonly everyone?: boolean
  readonly labels?: Readonly<Record<string, string>>
}

/** What `waitFor` waits for. */
export type WaitCondition =
  /** A published TCP port that answers. */
  | { readonly port: number }
  /** A line of the log, of either stream. */
  | { readonly log: string | RegExp }
  | { readonly healthy: true }
  /** A question of the caller's, asked until it says yes. */
  | { readonly probe: (container: Container) => Promise<boolean> }

/** How long `waitFor` waits. */
export interface WaitOptions extends Call {
  /** 30 seconds unless told. */
  readonly timeoutMs?: number
}

import type { NetworkServing } from './lxc-parts.ts'

/** How a supervisor is asked. It serves one container and stands in its folder. */
export type SupervisorRequest =
  /** The command's streams from now on; `stdin`: this one feeds it. */
  | { readonly do: 'attach'; readonly stdin: boolean }
  | StartRequest
  /** The container's namespaces are prepared (`go`) or could not be. What serves its network ends with it. */
  | ({ readonly do: 'release'; readonly go: boolean } & NetworkServing)
  | { readonly do: 'resize'; readonly columns: number; readonly rows: number }
  /** To be told of the end. */
  | { readonly do: 'wait' }
  /** Ends it, and a container that is being started too. Who removes a container asks it, having seen that it does not run. */
  | { readonly do: 'quit' }

/** What to start, and how. */
export interface StartRequest {
  readonly do: 'start'
  readonly file: string
  readonly arguments: readonly string[]
  /** Added to the supervisor's own. */
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: boolean
  readonly terminal: boolean
  /** Whether LXC waits, by a hook of ours, until somebody has prepared the namespaces. */
  readonly waitsForRelease: boolean
  /** Whether a hook of ours keeps what the cgroup counted at the end. */
  readonly countsMemory: boolean
}

/** What a supervisor says. */
export type SupervisorEvent =
  | { readonly event: 'attached' }
  | { readonly event: 'namespaces'; readonly pid: number }
  | { readonly event: 'started'; readonly pid: number }
  /** A published port could not be served; the start fails. */
  | { readonly event: 'refused'; readonly reason: string }
  /** It runs already. */
  | { readonly event: 'running' }
  /** LXC's own log of the try. */
  | { readonly event: 'failed'; readonly log: string }
  | { readonly event: 'ended'; readonly exitCode: number }

/** Names in the folder of a container. */
export const CONTAINER_FILES = {
  /** What was asked for; the container exists as soon as this file does. */
  record: 'record.json',
  /** LXC's. */
  config: 'config',
  started: 'started.json',
  end: 'end.json',
  paused: 'paused',
  /** Who is removing it. */
  removing: 'removing',
  log: 'log',
  /** LXC's own log of the last start. */
  engineLog: 'lxc.log',
  /** What the cgroup's memory.events said at the end. */
  memoryEvents: 'memory.events',
  /** The folder of its cgroup, for the hook that reads it at the end. */
  cgroup: 'cgroup',
  supervisor: 'supervisor.json',
  supervisorOutput: 'supervisor.log',
  supervisorProgram: 'supervisor.mjs',
  /** Only its owner may enter: pipes in it can be written by anybody, since the mapped ids open them again as /dev/stdout. */
  pipes: 'pipes',
  hook: 'pipes/hook',
} as const

/** Where what serves its network says its number, before it does anything; in its words is the container's id. */
export const SLIRP_PID_FILE = 'slirp4netns.pid'
export const PASTA_PID_FILE = 'pasta.pid'

/** The socket of a supervisor, in its container's folder. */
export function socketName(pid: number): string {
  return `${pid}.sock`
}

/** The `started.json` of a container. */
export interface StartedNote {
  readonly startedAt: number
  readonly pid: number
  readonly startTicks: number
  readonly bootId: string
}

/** The `end.json` of a container. */
export interface EndNote {
  /** Of the start that this is the end of. */
  readonly startedAt: number
  readonly endedAt: number
  readonly exitCode: number
  /** How many processes the kernel killed for memory; `null` when nobody could tell. */
  readonly outOfMemoryKills: number | null
}

/** The `supervisor.json` of a container. */
export interface SupervisorNote {
  readonly pid: number
  readonly startTicks: number
}

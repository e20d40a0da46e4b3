import type { PortProtocol } from '../system.ts'

/** What a container is made of. Only `image` is needed. */
export interface ContainerOptions {
  /** A reference (`busybox`, `busybox:latest`) or the id of an image that the engine has. */
  readonly image: string
  /** Takes the place of the image's command; follows its entrypoint. */
  readonly command?: readonly string[]
  /** Takes the place of the image's entrypoint; `[]` removes it. */
  readonly entrypoint?: readonly string[]
  /** Letters, digits, `_`, `.` and `-`, two at least, the first a letter or a digit; one of our own unless told. */
  readonly name?: string
  /** Added to the image's environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** An absolute path inside; the image's unless told. */
  readonly workdir?: string
  /** `name`, `uid` or `uid:gid`; the image's unless told. */
  readonly user?: string
  readonly hostname?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly limits?: Limits
  readonly ports?: readonly PortOptions[]
  /** `default`, `none` (loopback only), `host`, or the name of a network that was created. */
  readonly network?: string
  readonly mounts?: readonly MountOptions[]
  readonly readOnlyRoot?: boolean
  /** Capabilities taken away, as in capabilities(7) without `CAP_`; `['ALL']` takes every one. */
  readonly dropCapabilities?: readonly string[]
  /** Files of these names in `/run/secrets`, in memory only. They are in no inspect, no argument and no log. */
  readonly secrets?: Readonly<Record<string, string | Uint8Array>>
  /** A terminal: stdout and stderr come as one. */
  readonly terminal?: boolean
  /** Whether the command's stdin is open, for `attach` before `start`; `/dev/null` unless told. */
  readonly stdin?: boolean
  readonly healthcheck?: Healthcheck
  /** Sent by `stop`; the image's, or SIGTERM, unless told. */
  readonly stopSignal?: string
  /** `process`: `sweep` removes it once this process has ended. `nobody`: only `remove` does. `process` unless told. */
  readonly owner?: 'process' | 'nobody'
}

/** Limits are promises: what will not be applied makes `create` throw `LIMIT_NOT_ENFORCED`, unless `ifUnenforceable` says `warn`. */
export interface Limits {
  /** Memory in bytes; swap comes on top of it. At least 6 MiB, as Docker wants it. */
  readonly memoryBytes?: number
  /** Swap in bytes beside the memory; none unless told. Needs `memoryBytes`. */
  readonly swapBytes?: number
  /** Processor time, in processors: 0.5 is half of one. */
  readonly cpus?: number
  /** Processes and threads, as pids.max counts them. */
  readonly pids?: number
  /** The processors that may be used, as cpuset.cpus lists them: `0-1,3`. */
  readonly cpuset?: string
  /** The share of disk time, 10 to 1000, as Docker's `--blkio-weight`. */
  readonly ioWeight?: number
  readonly ifUnenforceable?: 'throw' | 'warn'
}

/** One published port, or a range of as many ports on both sides. */
export interface PortOptions {
  /** The port inside, 1 to 65535. */
  readonly container: number
  /** The port outside; a free one unless told. */
  readonly host?: number
  /** How many ports from these on; 1 unless told. */
  readonly count?: number
  readonly protocol?: PortProtocol
  /** The address outside; `127.0.0.1` unless told. */
  readonly address?: string
}

/** Something of the host, a volume, or memory, put into the container. */
export type MountOptions = HostMount | VolumeMount | TemporaryMount

/** A file or folder of the host. */
export interface HostMount {
  readonly kind?: 'host'
  /** An absolute path outside, which exists. */
  readonly source: string
  readonly target: string
  /** `ro` unless told. */
  readonly access?: 'ro' | 'rw'
  /** `me`: files made inside belong to the caller outside. */
  readonly owner?: 'me'
}

/** A named volume, made when it is not there. */
export interface VolumeMount {
  readonly kind: 'volume'
  readonly volume: string
  readonly target: string
  /** `rw` unless told. */
  readonly access?: 'ro' | 'rw'
}

/** Memory, gone with the container's end. */
export interface TemporaryMount {
  readonly kind: 'tmpfs'
  readonly target: string
  readonly sizeBytes?: number
}

/** A command inside that says by its exit code whether the container works. It is run by `health` and `waitFor`. */
export interface Healthcheck {
  readonly command: readonly string[]
  /** Between two tries; 1 second unless told. */
  readonly intervalMs?: number
  /** For one try; 5 seconds unless told. */
  readonly timeoutMs?: number
}

/** A command beside the container's own. */
export interface ExecOptions {
  /** Added to the container's environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** The container's unless told. */
  readonly workdir?: string
  /** The container's unless told. */
  readonly user?: string
  readonly terminal?: boolean
  readonly signal?: AbortSignal
}

import type { CgroupVersion, DeviceName, EngineName, Fact } from '@rootless-runtime/core'
import type { DockerAnswer } from './ping-docker.ts'
import type { SetupUser } from './setup-plan.ts'

/** What `rootless setup` must know of a host before it can plan. Read once, judged by `planSetup`. */
export interface SetupState {
  readonly userName: string
  readonly engines: readonly EngineName[]
  readonly caller: Caller
  readonly distribution: Fact<Distribution>
  readonly kernelRelease: Fact<string>
  /** Whether systemd is process 1, by sd_booted(3). */
  readonly systemd: boolean
  readonly accounts: AccountsState
  /** The installed ones among the packages that setup knows. */
  readonly packages: Fact<ReadonlySet<string>>
  /** Permission bits, or `null` when the device is absent. */
  readonly devices: Readonly<Record<DeviceName, Fact<number | null>>>
  readonly pingRange: Fact<{ readonly first: number; readonly last: number }>
  readonly cgroupLayout: Fact<CgroupVersion>
  /** Text of our delegate drop-in; `null` when absent, as for every file here. */
  readonly delegateDropIn: Fact<string | null>
  readonly lxcUsernet: Fact<string | null>
  readonly lxcBridge: boolean
  /** What there is of the user; `null` when there is no such user yet. */
  readonly user: UserState | null
}

export interface Caller {
  readonly isRoot: boolean
  /** Whether the caller is the very user that setup is for. */
  readonly isTarget: boolean
}

export interface Distribution {
  readonly id: string
  readonly idLike: readonly string[]
  readonly versionId: string
  readonly prettyName: string
}

export interface SubordinateRange {
  /** A login name, or a uid as text. */
  readonly who: string
  readonly start: number
  readonly count: number
}

export interface AccountsState {
  readonly target: Fact<SetupUser | null>
  /** The lowest id from 1000 on that neither passwd(5) nor group(5) has. */
  readonly freeId: number
  readonly subordinateUserIds: Fact<readonly SubordinateRange[]>
  readonly subordinateGroupIds: Fact<readonly SubordinateRange[]>
}

export interface UserState {
  /** Permission bits of the home folder. */
  readonly homeMode: Fact<number | null>
  /** `open`: the user's, yet not 0700. `foreign`: somebody else's, or no folder. */
  readonly runtimeDirectory: Fact<'ready' | 'absent' | 'open' | 'foreign'>
  readonly linger: boolean
  readonly containersConf: Fact<string | null>
  readonly storageConf: Fact<string | null>
  readonly lxcDefaultConf: Fact<string | null>
  readonly dockerUnit: Fact<string | null>
  readonly supervisorScript: Fact<string | null>
  /** Whether Podman has a store already: it keeps the storage driver of its first run. */
  readonly podmanStorage: boolean
  readonly docker: DockerAnswer
  /** Process id of our running supervisor. */
  readonly supervisorPid: number | null
}

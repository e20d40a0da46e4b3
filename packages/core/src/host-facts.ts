import type { CgroupVersion } from './capabilities.ts'
import type { Fact } from './fact.ts'
import type { Fix } from './finding.ts'

/** What this host offers to containers without root, read and tried as the asking user. */
export interface HostFacts {
  readonly user: { readonly uid: number; readonly gid: number; readonly name: string; readonly homeDirectory: string }
  readonly system: SystemFacts
  readonly cgroup: CgroupFacts
  readonly session: SessionFacts
  readonly userNamespace: UserNamespaceFacts
  /** An overlay mounted inside a user namespace, tried for real. Linux 5.11 is the first that allows it. */
  readonly overlayInUserNamespace: Fact<Attempt>
  readonly devices: Readonly<Record<DeviceName, Fact<DeviceFact>>>
  readonly tools: Readonly<Record<ToolName, Fact<ToolFact>>>
  /** `/etc/lxc/lxc-usernet`: how many network devices lxc-user-nic(1) may make for whom. */
  readonly lxcUsernet: Fact<readonly LxcUsernetLine[]>
  readonly sysctls: Readonly<Record<SysctlName, Fact<string>>>
  readonly home: HomeFacts
  /** What on this host will hurt, each with what to do. */
  readonly conditions: readonly HostCondition[]
}

export interface SystemFacts {
  /** `uname -r`. */
  readonly kernelRelease: Fact<string>
  readonly distribution: Fact<{ readonly id: string; readonly versionId: string; readonly prettyName: string }>
  readonly cpuCount: Fact<number>
  readonly appArmor: Fact<'enabled' | 'disabled'>
}

export interface CgroupFacts {
  readonly layout: Fact<CgroupVersion>
  /** Where the unified tree is mounted, if anywhere. */
  readonly unifiedMountPoint: Fact<string | null>
  /** The cgroup of the asking process: path in the unified tree, or in the memory hierarchy of v1. */
  readonly ownPath: Fact<string>
  /**
   * Controllers delegated to this user, by the kernel's names: v2 `cgroup.controllers` of a group that the user may write;
   * v1 the hierarchies whose current group the user may write.
   */
  readonly delegatedControllers: Fact<readonly string[]>
  /** Whether libpam-cgfs (pam_cgfs.so) is called by the PAM sessions of this host, and for which controllers. */
  readonly pamCgfs: Fact<{ readonly enabled: boolean; readonly controllers: readonly string[] }>
}

export interface SessionFacts {
  /** Whether systemd is process 1. */
  readonly systemd: Fact<boolean>
  /** Whether a `systemd --user` of this user answers on its private socket or bus. */
  readonly userManager: Fact<boolean>
  /** Whether the user's services outlive the login: `/var/lib/systemd/linger/NAME`. */
  readonly linger: Fact<boolean>
  /** Whether a D-Bus session bus of this user exists. */
  readonly dbus: Fact<boolean>
  /** XDG_RUNTIME_DIR, or `null` when it is not set. */
  readonly runtimeDirectory: Fact<string | null>
}

/** Something tried for real. */
export type Attempt = { readonly worked: true } | { readonly worked: false; readonly reason: string }

export interface IdRange {
  readonly start: number
  readonly count: number
}

export interface UserNamespaceFacts {
  /** unshare(2) with CLONE_NEWUSER. */
  readonly created: Fact<Attempt>
  /** Writing our own uid into its uid_map: AppArmor on Ubuntu 24.04 lets unshare pass and forbids what follows. */
  readonly uidMapWritten: Fact<Attempt>
  /** Subordinate ids of this user: subuid(5) and subgid(5). Empty when there are none. */
  readonly subordinateUserIds: Fact<readonly IdRange[]>
  readonly subordinateGroupIds: Fact<readonly IdRange[]>
}

export const DEVICE_NAMES = ['/dev/fuse', '/dev/net/tun'] as const
export type DeviceName = (typeof DEVICE_NAMES)[number]

export type DeviceFact =
  | { readonly present: false }
  | { readonly present: true; /** Permission bits, octal, as `0666`. */ readonly mode: string; readonly accessible: boolean }

export const TOOL_NAMES = [
  'newuidmap',
  'newgidmap',
  'slirp4netns',
  'pasta',
  'lxc-user-nic',
  'vpnkit',
  'gvisor-tap-vsock',
  'fuse-overlayfs',
  'crun',
  'runc',
  'rootlesskit',
] as const
export type ToolName = (typeof TOOL_NAMES)[number]

export type ToolFact =
  | { readonly present: false }
  | {
      readonly present: true
      readonly path: string
      /** What the tool prints of itself; `null` for tools that have no way to ask. */
      readonly version: string | null
      /** How it gets its rights: setuid root, file capabilities, or none. */
      readonly privilege: 'setuid' | 'capabilities' | 'none'
    }

export interface LxcUsernetLine {
  /** A user, or a group when it starts with `@`. */
  readonly who: string
  readonly type: string
  readonly bridge: string
  readonly count: number
}

export const SYSCTL_NAMES = [
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
  'user.max_user_namespaces',
] as const
export type SysctlName = (typeof SYSCTL_NAMES)[number]

/** What a sysctl reads as when this kernel does not have it. */
export const SYSCTL_ABSENT = 'absent'

export interface HomeFacts {
  readonly fileSystem: Fact<{ readonly type: string; readonly mountPoint: string; readonly options: readonly string[] }>
  readonly freeBytes: Fact<number>
  /** Whether other users may pass through the home folder, as mapped root of LXC must. */
  readonly passableByOthers: Fact<boolean>
}

export const HOST_CONDITION_NAMES = [
  'running-as-root',
  'home-on-network-file-system',
  'home-noexec',
  'home-full',
  'runtime-directory-missing',
  'runtime-directory-unusable',
  'no-subordinate-ids',
  'no-user-namespaces',
  'tun-not-accessible',
  'fuse-not-accessible',
  'no-delegated-controllers',
] as const
export type HostConditionName = (typeof HOST_CONDITION_NAMES)[number]

export interface HostCondition {
  readonly name: HostConditionName
  readonly message: string
  readonly source: string
  readonly fix?: Fix
}

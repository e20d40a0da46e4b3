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

/** The machine and its system, as `uname` and os-release(5) name them. */
export interface SystemFacts {
  /** `uname -r`. */
  readonly kernelRelease: Fact<string>
  readonly distribution: Fact<{ readonly id: string; readonly versionId: string; readonly prettyName: string }>
  readonly cpuCount: Fact<number>
  readonly appArmor: Fact<'enabled' | 'disabled'>
}

/** The control groups of this host, as this user may use them: cgroups(7). */
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

/** The user's session: systemd, D-Bus, and the runtime folder, which engines without root build on. */
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

/** A range of subordinate ids: subuid(5), subgid(5). */
export interface IdRange {
  readonly start: number
  readonly count: number
}

/** User namespaces as this user can have them: user_namespaces(7), tried for real. */
export interface UserNamespaceFacts {
  /** unshare(2) with CLONE_NEWUSER. */
  readonly created: Fact<Attempt>
  /** Writing our own uid into its uid_map: AppArmor on Ubuntu 24.04 lets unshare pass and forbids what follows. */
  readonly uidMapWritten: Fact<Attempt>
  /** Subordinate ids of this user: subuid(5) and subgid(5). Empty when there are none. */
  readonly subordinateUserIds: Fact<readonly IdRange[]>
  readonly subordinateGroupIds: Fact<readonly IdRange[]>
}

/** Devices that engines without root need: fuse-overlayfs the first (fuse(4)), user-mode networks the second. */
export const DEVICE_NAMES = ['/dev/fuse', '/dev/net/tun'] as const
/** One of `DEVICE_NAMES`. */
export type DeviceName = (typeof DEVICE_NAMES)[number]

/** A device: whether it is there, and whether this user may open it for reading and writing. */
export type DeviceFact =
  | { readonly present: false }
  | { readonly present: true; /** Permission bits, octal, as `0666`. */ readonly mode: string; readonly accessible: boolean }

/** Programs that engines without root call, or that run containers for them. */
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
/** One of `TOOL_NAMES`. */
export type ToolName = (typeof TOOL_NAMES)[number]

/** A program: whether it is there, which one it is, and how it gets its rights. */
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

/** One line of lxc-usernet(5): who may make how many devices of which type on which bridge. */
export interface LxcUsernetLine {
  /** A user, or a group when it starts with `@`. */
  readonly who: string
  readonly type: string
  readonly bridge: string
  readonly count: number
}

/** Kernel settings that decide about containers without root: ip(7), icmp(7), namespaces(7), and the switches of Debian and Ubuntu. */
export const SYSCTL_NAMES = [
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'kernel.unprivileged_userns_clone',
  'kernel.apparmor_restrict_unprivileged_userns',
  'user.max_user_namespaces',
] as const
/** One of `SYSCTL_NAMES`. */
export type SysctlName = (typeof SYSCTL_NAMES)[number]

/** What a sysctl reads as when this kernel does not have it. */
export const SYSCTL_ABSENT = 'absent'

/** The home folder, in which engines without root keep everything. */
export interface HomeFacts {
  readonly fileSystem: Fact<{ readonly type: string; readonly mountPoint: string; readonly options: readonly string[] }>
  readonly freeBytes: Fact<number>
  /** Whether other users may pass through the home folder, as mapped root of LXC must. */
  readonly passableByOthers: Fact<boolean>
}

/** What can be wrong with a host, each with a stable name. */
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
  'no-user-manager',
  'no-linger',
] as const
/** One of `HOST_CONDITION_NAMES`. */
export type HostConditionName = (typeof HOST_CONDITION_NAMES)[number]

/** Something on this host that will hurt, and what to do about it. */
export interface HostCondition {
  readonly name: HostConditionName
  readonly message: string
  readonly source: string
  readonly fix?: Fix
}

import type { Finding } from './finding.ts'

/** What carries packets between a container's network namespace and the host without root. */
export const NETWORK_DRIVERS = ['slirp4netns', 'pasta', 'lxc-user-nic', 'vpnkit', 'gvisor-tap-vsock', 'host', 'none'] as const
/** One of `NETWORK_DRIVERS`. */
export type NetworkDriver = (typeof NETWORK_DRIVERS)[number]

/** What carries a published port from the host into the container. */
export const PORT_DRIVERS = ['builtin', 'slirp4netns', 'gvisor-tap-vsock', 'implicit', 'rootlessport', 'none'] as const
/** One of `PORT_DRIVERS`. */
export type PortDriver = (typeof PORT_DRIVERS)[number]

/** The network properties that users trip over, each a finding of its own. */
export const NETWORK_PROPERTIES = [
  'publish',
  'publish-privileged',
  'source-address',
  'udp',
  'ipv6',
  'ping',
  'reach-host',
  'name-resolution',
] as const
/** One of `NETWORK_PROPERTIES`. */
export type NetworkProperty = (typeof NETWORK_PROPERTIES)[number]

/** What makes a container's root file system. `overlay` is the kernel's own, mounted inside a user namespace. */
export const STORAGE_DRIVERS = ['overlay', 'fuse-overlayfs', 'btrfs', 'vfs', 'dir'] as const
/** One of `STORAGE_DRIVERS`. */
export type StorageDriver = (typeof STORAGE_DRIVERS)[number]

/** Whether containers of one image share its files, or each holds a copy of them. */
export const STORAGE_LAYERS: Readonly<Record<StorageDriver, 'shared' | 'copied'>> = {
  overlay: 'shared',
  'fuse-overlayfs': 'shared',
  btrfs: 'shared',
  vfs: 'copied',
  dir: 'copied',
}

/** `hybrid`: controllers in cgroup v1 hierarchies and a cgroup2 tree beside them, as systemd 233 introduced it. */
export const CGROUP_VERSIONS = ['v2', 'hybrid', 'v1'] as const
/** One of `CGROUP_VERSIONS`. */
export type CgroupVersion = (typeof CGROUP_VERSIONS)[number]

/** Who makes the cgroup of a container: the user's systemd, the engine in cgroupfs, a PAM module at login, or nobody. */
export const CGROUP_MANAGERS = ['systemd', 'cgroupfs', 'pam', 'none'] as const
/** One of `CGROUP_MANAGERS`. */
export type CgroupManager = (typeof CGROUP_MANAGERS)[number]

/** The limits that a caller may ask for. */
export const LIMIT_NAMES = ['memory', 'cpu', 'pids', 'io', 'cpuset'] as const
/** One of `LIMIT_NAMES`. */
export type LimitName = (typeof LIMIT_NAMES)[number]

/** A driver that an engine could use: the one that it does use, or one that can be chosen. */
export type DriverUse = 'in use' | 'available'

/** How a container of an engine reaches the network, and is reached. */
export interface NetworkingCapabilities {
  /** The driver that a container gets when its caller asks for nothing. */
  readonly driver: Finding<NetworkDriver>
  /** Every driver of our vocabulary: in use, available, or why not. */
  readonly drivers: Readonly<Record<NetworkDriver, Finding<DriverUse>>>
  readonly portDriver: Finding<PortDriver>
  /** Bytes of payload and headers in one packet of the network device inside, without the link layer. */
  readonly mtuBytes: Finding<number>
  readonly properties: Readonly<Record<NetworkProperty, Finding<true>>>
}

/** What makes and holds the root file systems of an engine's containers. */
export interface StorageCapabilities {
  readonly driver: Finding<StorageDriver>
  /** Every driver of our vocabulary: in use, available, or why not. */
  readonly drivers: Readonly<Record<StorageDriver, Finding<DriverUse>>>
  /** The file system under the engine's own folder, as the kernel names it in /proc/self/mountinfo. */
  readonly backingFileSystem: Finding<string>
  readonly layers: Finding<'shared' | 'copied'>
}

/** What holds the processes of a container together, and which limits the kernel will apply to them. */
export interface CgroupCapabilities {
  readonly version: Finding<CgroupVersion>
  /** Every layout of our vocabulary: what this engine would do with it, and whether the host has it. */
  readonly versions: Readonly<Record<CgroupVersion, Finding<DriverUse>>>
  readonly manager: Finding<CgroupManager>
  /** Every manager of our vocabulary: in use, available, or why not. */
  readonly managers: Readonly<Record<CgroupManager, Finding<DriverUse>>>
  /** The controllers that this engine may use as this user, by the kernel's names; empty means none. */
  readonly controllers: Finding<readonly string[]>
  /** Whether each limit, when asked for, will be applied by the kernel. */
  readonly limits: Readonly<Record<LimitName, Finding<true>>>
}

/** What one engine can do on this host: the three rows of the matrix. */
export interface Capabilities {
  readonly networking: NetworkingCapabilities
  readonly storage: StorageCapabilities
  readonly cgroup: CgroupCapabilities
}

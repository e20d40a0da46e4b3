import type { CgroupManager, CgroupVersion, EngineName, LimitName, NetworkDriver, StorageDriver } from '@rootless-runtime/core'
import type { Configuration, Release } from '../releases.ts'

/** Configurations with engines. `bare` has none. */
export type MatrixConfiguration = Exclude<Configuration, 'bare'>

/** What is true of an engine in a guest, whatever anybody says. */
export interface ExpectedCells {
  readonly network: NetworkDriver
  readonly storage: StorageDriver
  readonly cgroupVersion: CgroupVersion
  readonly cgroupManager: CgroupManager
  /** In the order of the alphabet. */
  readonly controllers: readonly string[]
  /** The limits that bite; the others are refused or dropped. */
  readonly limits: readonly LimitName[]
  /** Of the engine, as its authors number it. */
  readonly version: string
}

/** An engine that starts no container there, and why. */
export interface Exception {
  readonly exception: string
  /** Part of what the engine prints then. */
  readonly refusal: string
  /** Part of what `rootless compare` says of it. */
  readonly said: string
}

type Row = Readonly<Record<EngineName, ExpectedCells | Exception>>

/** What stays the same in every configuration of a release. */
type Engine = Pick<ExpectedCells, 'network' | 'storage' | 'version'>
const BULLSEYE = {
  // Kernel 5.10: overlayfs cannot be mounted in a user namespace before 5.11.
  docker: { network: 'slirp4netns', storage: 'fuse-overlayfs', version: '20.10.5' },
  podman: { network: 'slirp4netns', storage: 'fuse-overlayfs', version: '3.0.1' },
  lxc: { network: 'lxc-user-nic', storage: 'dir', version: '4.0.6' },
} as const satisfies Record<EngineName, Engine>
const BOOKWORM = {
  docker: { network: 'slirp4netns', storage: 'overlay', version: '20.10.24' },
  podman: { network: 'slirp4netns', storage: 'vfs', version: '4.3.1' },
  lxc: { network: 'lxc-user-nic', storage: 'dir', version: '5.0.2' },
} as const satisfies Record<EngineName, Engine>
const TRIXIE = {
  docker: { network: 'slirp4netns', storage: 'overlay', version: '26.1.5' },
  podman: { network: 'pasta', storage: 'overlay', version: '5.4.2' },
  lxc: { network: 'lxc-user-nic', storage: 'dir', version: '6.0.4' },
} as const satisfies Record<EngineName, Engine>

const V2_BY_SYSTEMD = { cgroupVersion: 'v2', cgroupManager: 'systemd' } as const

/** The three engines alike: the user's systemd makes a scope for each container, with the controllers that it was given. */
function onV2(engines: Readonly<Record<EngineName, Engine>>, controllers: readonly string[], limits: readonly LimitName[]): Row {
  const cells = { ...V2_BY_SYSTEMD, controllers, limits } as const
  return {
    docker: { ...engines.docker, ...cells },
    podman: { ...engines.podman, ...cells },
    lxc: { ...engines.lxc, ...cells },
  }
}

/** Docker and Podman leave limits alone; LXC has the groups that libpam-cgfs made at login. */
function onV1(
  engines: Readonly<Record<EngineName, Engine>>,
  lxc: Pick<ExpectedCells, 'controllers' | 'limits'> = { controllers: ['freezer', 'memory'], limits: ['memory'] },
): Row {
  const alone = { cgroupVersion: 'hybrid', cgroupManager: 'none', controllers: [], limits: [] } as const
  return {
    docker: { ...engines.docker, ...alone },
    podman: { ...engines.podman, ...alone },
    lxc: {
      ...engines.lxc,
      cgroupVersion: 'hybrid',
      cgroupManager: 'pam',
      ...lxc,
    },
  }
}

const ALL = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const
/** systemd accounts memory and tasks of every unit, so these two reach the user's manager without delegation. */
const ACCOUNTED = ['memory', 'pids'] as const

/** The truth, for each release, configuration and engine. */
export const EXPECTED: Readonly<Record<Release, Readonly<Record<MatrixConfiguration, Row>>>> = {
  bullseye: {
    default: onV2(BULLSEYE, ['memory', 'pids'], ['memory', 'pids']),
    delegate: {
      ...onV2(BULLSEYE, ALL, ['memory', 'cpu', 'pids', 'cpuset']),
      // Of these only LXC writes io.weight itself: runc 1.0.0~rc93 and crun 0.17 know the weight of BFQ alone.
      lxc: { ...BULLSEYE.lxc, ...V2_BY_SYSTEMD, controllers: ALL, limits: ['memory', 'cpu', 'pids', 'io', 'cpuset'] },
    },
    v1: onV1(BULLSEYE),
    none: onV2(BULLSEYE, ACCOUNTED, ACCOUNTED),
  },
  bookworm: {
    default: onV2(BOOKWORM, ['cpu', 'memory', 'pids'], ['memory', 'cpu', 'pids']),
    delegate: onV2(BOOKWORM, ALL, ['memory', 'cpu', 'pids', 'io', 'cpuset']),
    v1: onV1(BOOKWORM),
    none: onV2(BOOKWORM, ACCOUNTED, ACCOUNTED),
  },
  trixie: {
    default: onV2(TRIXIE, ['cpu', 'memory', 'pids'], ['memory', 'cpu', 'pids']),
    delegate: onV2(TRIXIE, ALL, ['memory', 'cpu', 'pids', 'io', 'cpuset']),
    v1: {
      // Its kernel has no memory controller for cgroup v1 (CONFIG_MEMCG_V1).
      ...onV1(TRIXIE, { controllers: ['freezer'], limits: [] }),
      podman: {
        exception: 'crun 1.21 starts nothing on a hybrid hierarchy',
        refusal: 'cgroups in hybrid mode not supported',
        said: 'crun refuses hybrid cgroups, so no container starts',
      },
    },
    none: onV2(TRIXIE, ACCOUNTED, ACCOUNTED),
  },
}

/** Debian releases that the lab builds guests of, the oldest first. */
export const RELEASES = ['bullseye', 'bookworm', 'trixie'] as const
/** One of `RELEASES`. */
export type Release = (typeof RELEASES)[number]

/**
 * Host configurations. `default`: Debian's own delegation. `delegate`: every controller. `v1`: booted with cgroup v1. `none`: an
 * empty `Delegate=`. `bare`: no engine and no user, for `rootless setup`.
 */
export const CONFIGURATIONS = ['default', 'delegate', 'v1', 'none', 'bare'] as const
/** One of `CONFIGURATIONS`. */
export type Configuration = (typeof CONFIGURATIONS)[number]

/** What a guest is made of, and what chooses its image in the cache. */
export interface GuestKind {
  readonly release: Release
  readonly configuration: Configuration
}

/** The guests that prove the most for their time; CI runs these, and `--all` the rest besides. */
export const CORE_GUESTS: readonly GuestKind[] = [
  { release: 'bookworm', configuration: 'delegate' },
  { release: 'bookworm', configuration: 'default' },
  { release: 'bookworm', configuration: 'v1' },
  { release: 'bullseye', configuration: 'default' },
]

/** Every guest: each release in each configuration. */
export const ALL_GUESTS: readonly GuestKind[] = RELEASES.flatMap((release) =>
  CONFIGURATIONS.map((configuration) => ({ release, configuration })),
)

/** How a guest kind is written: `bookworm-delegate`. */
export function toKindName({ release, configuration }: GuestKind): string {
  return `${release}-${configuration}`
}

const LEGACY_HIERARCHY = 'systemd.unified_cgroup_hierarchy=0'

/**
 * Kernel parameters of each configuration. `lab.delegate` is read by a unit of our own in the guest, which writes the drop-in of
 * `user@.service`; systemd reads the others. systemd 256 and 257 (trixie) want a second word before they start on cgroup v1, and
 * 258 no longer can.
 */
export const KERNEL_PARAMETERS: Readonly<Record<Configuration, Readonly<Record<Release, readonly string[]>>>> = {
  default: { bullseye: [], bookworm: [], trixie: [] },
  delegate: everywhere('lab.delegate=cpu,cpuset,io,memory,pids'),
  v1: {
    bullseye: [LEGACY_HIERARCHY],
    bookworm: [LEGACY_HIERARCHY],
    trixie: [LEGACY_HIERARCHY, 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'],
  },
  none: everywhere('lab.delegate=none'),
  bare: { bullseye: [], bookworm: [], trixie: [] },
}

function everywhere(parameter: string): Readonly<Record<Release, readonly string[]>> {
  return { bullseye: [parameter], bookworm: [parameter], trixie: [parameter] }
}

/** What every guest has: systemd with logind, a network address, and ssh, through which the lab speaks to it. */
const SYSTEM_PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'udev',
  'kmod',
  'openssh-server',
  'iproute2',
  'procps',
  'ca-certificates',
  'busybox-static',
  'libstdc++6',
]

const ENGINE_PACKAGES = [
  'dbus-user-session',
  'iptables',
  'nftables',
  'iputils-ping',
  'uidmap',
  'slirp4netns',
  'fuse-overlayfs',
  'docker.io',
  'rootlesskit',
  'podman',
  'crun',
  'lxc',
  'dnsmasq-base',
  'libpam-cgfs',
  'bridge-utils',
  'apparmor',
  'btrfs-progs',
]

/** What a release has besides. `suites` are the parts of the archive, its security suite apart. */
const RELEASE_PACKAGES: Readonly<Record<Release, { readonly suites: readonly string[]; readonly packages: readonly string[] }>> =
  {
    bullseye: { suites: ['bullseye'], packages: ['lxc-templates'] },
    bookworm: { suites: ['bookworm', 'bookworm-updates'], packages: ['catatonit', 'passt'] },
    trixie: {
      suites: ['trixie', 'trixie-updates'],
      packages: ['catatonit', 'docker-cli', 'passt', 'aardvark-dns', 'netavark', 'libseccomp2'],
    },
  }

/** The suites and packages of an image; the configurations share one, `bare` has its own. */
export function toImageContent(
  release: Release,
  bare: boolean,
): { readonly suites: readonly string[]; readonly packages: readonly string[] } {
  const { suites, packages } = RELEASE_PACKAGES[release]
  return { suites, packages: bare ? SYSTEM_PACKAGES : [...SYSTEM_PACKAGES, ...ENGINE_PACKAGES, ...packages] }
}

/** The guest kind of a name, or `undefined`. */
export function parseKindName(name: string): GuestKind | undefined {
  return ALL_GUESTS.find((kind) => toKindName(kind) === name)
}

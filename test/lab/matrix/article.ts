import type { EngineName } from '@rootless-runtime/core'
import type { Observation, ObservedGuest } from './observation.ts'

/** One word of the article's table of December 2020, and what has become of it. */
export interface ArticleRow {
  readonly engine: EngineName
  readonly aspect: 'Networking' | 'Storage' | 'Cgroups'
  /** As the article has it. */
  readonly article: string
  /** Which observation shows it. */
  readonly shownBy: (observation: Observation) => boolean
  readonly today: string
  readonly since: string
}

const isSeen =
  (engine: EngineName, cell: string, seen: string) =>
  (observation: Observation): boolean =>
    observation.engine === engine && observation.cell === cell && observation.seen === seen && observation.verdict === 'confirmed'

export const ARTICLE: readonly ArticleRow[] = [
  {
    engine: 'docker',
    aspect: 'Networking',
    article: 'slirp (slirp4netns)',
    shownBy: isSeen('docker', 'network', 'slirp4netns'),
    today: 'slirp4netns, with pasta and gvisor-tap-vsock beside it',
    since: 'pasta the second choice since Docker 28.5.2, gvisor-tap-vsock since 29.5',
  },
  {
    engine: 'docker',
    aspect: 'Networking',
    article: 'lxc-user-nic',
    shownBy: isSeen('docker', 'network', 'lxc-user-nic'),
    today: 'the same; setuid root, and the only real veth',
    since: 'before 2020',
  },
  {
    engine: 'docker',
    aspect: 'Networking',
    article: 'VPNKit',
    // Whatever came of asking for it: the distribution's RootlessKit may be built without.
    shownBy: ({ engine, variant }) => engine === 'docker' && variant === 'vpnkit',
    today: 'legacy; Debian builds RootlessKit without it',
    since: 'RootlessKit 1.1.0 of Debian 12 at the latest',
  },
  {
    engine: 'docker',
    aspect: 'Storage',
    article: 'FUSE-OverlayFS',
    shownBy: isSeen('docker', 'storage', 'fuse-overlayfs'),
    today: "the kernel's own overlay (overlay2); FUSE-OverlayFS is what is left without it",
    since: 'Linux 5.11',
  },
  {
    engine: 'docker',
    aspect: 'Cgroups',
    article: 'cgroups v2',
    shownBy: isSeen('docker', 'cgroupVersion', 'v2'),
    today: 'the same',
    since: 'Docker 20.10',
  },
  {
    engine: 'podman',
    aspect: 'Networking',
    article: 'slirp (slirp4netns)',
    shownBy: isSeen('podman', 'network', 'slirp4netns'),
    today: 'pasta',
    since: 'there since Podman 4.4, the default since 5.0; slirp4netns removed in 6.0',
  },
  {
    engine: 'podman',
    aspect: 'Storage',
    article: 'FUSE-OverlayFS',
    shownBy: isSeen('podman', 'storage', 'fuse-overlayfs'),
    today: "the kernel's own overlay",
    since: 'Linux 5.11 and Podman 3.1',
  },
  {
    engine: 'podman',
    aspect: 'Cgroups',
    article: 'cgroups v2',
    shownBy: isSeen('podman', 'cgroupVersion', 'v2'),
    today: 'the same',
    since: 'before 2020',
  },
  {
    engine: 'lxc',
    aspect: 'Networking',
    article: 'lxc-user-nic',
    shownBy: isSeen('lxc', 'network', 'lxc-user-nic'),
    today: 'the same',
    since: 'before 2020',
  },
  {
    engine: 'lxc',
    aspect: 'Storage',
    article: 'VFS (its `dir`)',
    shownBy: isSeen('lxc', 'storage', 'dir'),
    today: '`dir` by default; snapshots on overlay and btrfs too',
    since: 'Linux 5.11 for overlay',
  },
  {
    engine: 'lxc',
    aspect: 'Cgroups',
    article: 'PAM module (libpam-cgfs)',
    shownBy: isSeen('lxc', 'cgroupManager', 'pam'),
    today: "a scope of the user's systemd on cgroup v2; LXC asks for it itself, and 7.0 dropped cgroup v1",
    since: 'liblxc 5.0.1 built with libsystemd; LXC 7.0',
  },
]

/** The oldest guest in which a row was observed, as the article is of Debian 11's time. */
export function findProof(row: ArticleRow, observed: readonly ObservedGuest[]): Observation | undefined {
  const age = (guest: string): number => ['bullseye', 'bookworm', 'trixie'].findIndex((release) => guest.startsWith(release))
  return observed
    .flatMap(({ observations }) => observations)
    .filter(row.shownBy)
    .toSorted((one, other) => age(one.guest) - age(other.guest))[0]
}

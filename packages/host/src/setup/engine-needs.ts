import type { EngineName } from '@rootless-runtime/core'
import type { Distribution } from './setup-state.ts'
import type { SetupStepId } from './setup-plan.ts'

export interface PackageNeed {
  readonly name: string
  /** Packages that bring the same; having one of them is enough. */
  readonly alternatives?: readonly string[]
  /** The first release that has the package; a release before it goes without. */
  readonly since?: { readonly debian: number; readonly ubuntu: number }
  /** Needed only beside systemd. */
  readonly onlyWithSystemd?: true
  /** Needed only where controllers live in cgroup v1 hierarchies. */
  readonly onlyWithCgroupV1?: true
}

export interface EngineNeeds {
  readonly packages: readonly PackageNeed[]
  readonly steps: readonly SetupStepId[]
}

const UIDMAP: PackageNeed = { name: 'uidmap' }
// The user's own D-Bus: without it `systemd --user` cannot be asked for a cgroup.
const USER_BUS: PackageNeed = { name: 'dbus-user-session', onlyWithSystemd: true }
const SLIRP4NETNS: PackageNeed = { name: 'slirp4netns' }
const FUSE_OVERLAYFS: PackageNeed = { name: 'fuse-overlayfs' }
// containerd.io of Docker's own repository holds runc and conflicts with Debian's package.
const RUNC: PackageNeed = { name: 'runc', alternatives: ['containerd.io'] }

// Gives a login groups of its own in the v1 hierarchies freezer and memory; on v2 systemd delegates.
const LXC_PAM: PackageNeed = { name: 'libpam-cgfs', onlyWithCgroupV1: true }

const EVERY_ENGINE: readonly SetupStepId[] = ['packages', 'user', 'subordinate-ids', 'delegation', 'linger']

export const ENGINE_NEEDS: Readonly<Record<EngineName, EngineNeeds>> = {
  docker: {
    packages: [
      // Debian's docker.io conflicts with Docker's own packages: whoever has those keeps them.
      { name: 'docker.io', alternatives: ['docker-ce'] },
      { name: 'docker-cli', alternatives: ['docker-ce-cli'], since: { debian: 13, ubuntu: Number.POSITIVE_INFINITY } },
      { name: 'rootlesskit', alternatives: ['docker-ce-rootless-extras'] },
      SLIRP4NETNS,
      FUSE_OVERLAYFS,
      UIDMAP,
      { name: 'iptables' },
      { name: 'iproute2' },
      USER_BUS,
    ],
    steps: [...EVERY_ENGINE, 'devices', 'ping-range', 'runtime-directory', 'docker-service'],
  },
  podman: {
    packages: [
      { name: 'podman' },
      { name: 'crun' },
      RUNC,
      { name: 'conmon' },
      SLIRP4NETNS,
      { name: 'passt', since: { debian: 12, ubuntu: 23.04 } },
      FUSE_OVERLAYFS,
      UIDMAP,
      { name: 'netavark', since: { debian: 12, ubuntu: 22.1 } },
      { name: 'aardvark-dns', since: { debian: 12, ubuntu: 22.1 } },
      { name: 'catatonit' },
      USER_BUS,
    ],
    steps: [...EVERY_ENGINE, 'devices', 'ping-range', 'runtime-directory', 'containers-conf', 'storage-conf'],
  },
  lxc: {
    // The static busybox is a whole container of its own: lxc-create -t busybox needs no image server.
    packages: [{ name: 'lxc' }, UIDMAP, { name: 'dnsmasq-base' }, { name: 'busybox-static' }, LXC_PAM, USER_BUS],
    steps: [...EVERY_ENGINE, 'passable-home', 'lxc-usernet', 'lxc-bridge', 'lxc-default-conf'],
  },
}

/** Every package name that setup asks dpkg about. */
export const KNOWN_PACKAGES: readonly string[] = [
  ...new Set(
    Object.values(ENGINE_NEEDS).flatMap(({ packages }) =>
      packages.flatMap(({ name, alternatives = [] }) => [name, ...alternatives]),
    ),
  ),
].toSorted()

/** The packages that are missing, each once, in the words of this distribution. */
export function toMissingPackages(
  engines: readonly EngineName[],
  installed: ReadonlySet<string>,
  host: { readonly distribution: Distribution; readonly systemd: boolean; readonly cgroupV1: boolean },
): readonly string[] {
  const missing = engines
    .flatMap((engine) => ENGINE_NEEDS[engine].packages)
    .filter(({ onlyWithSystemd }) => onlyWithSystemd === undefined || host.systemd)
    .filter(({ onlyWithCgroupV1 }) => onlyWithCgroupV1 === undefined || host.cgroupV1)
    .filter((need) => isInRelease(need, host.distribution))
    .filter(({ name, alternatives = [] }) => ![name, ...alternatives].some((candidate) => installed.has(candidate)))
    .map(({ name }) => (name === 'rootlesskit' && installed.has('docker-ce') ? 'docker-ce-rootless-extras' : name))
  return [...new Set(missing)]
}

function isInRelease({ since }: PackageNeed, { id, versionId }: Distribution): boolean {
  if (since === undefined) return true
  const version = Number.parseFloat(versionId)
  // Testing and unstable have no VERSION_ID; descendants count in numbers of their own and follow recent releases.
  const isUbuntu = id === 'ubuntu'
  if (!isUbuntu && id !== 'debian') return Number.isFinite(since.ubuntu)
  return Number.isNaN(version) || version >= (isUbuntu ? since.ubuntu : since.debian)
}

import type { EngineName } from '@rootless-runtime/core'
import type { Words } from './observe.ts'

/** Where an engine's word is not what is there. */
export interface Quirk {
  readonly engine: EngineName
  readonly says: string
  readonly is: string
  readonly since: string
  /** What to type to see it. */
  readonly howToSee: string
  /** Guests in which the suite sees it each time. */
  readonly guests: readonly string[]
  /** Whether a guest's observer saw it. */
  readonly holds: (seen: Words) => boolean
}

/** Not trixie's: its kernel has no memory controller for cgroup v1, of which Docker warns, and its crun refuses the rest. */
const V1 = ['bullseye-v1', 'bookworm-v1']
const WITHOUT_CPUSET = ['bullseye-default', 'bookworm-default', 'trixie-default']
const isDropped = (seen: Words, engine: EngineName, limit: string): boolean =>
  seen[`${engine}.limit.${limit}.exitCode`] === '0' && !['67108864', '0'].includes(seen[`${engine}.limit.${limit}`] ?? '0')

export const QUIRKS: readonly Quirk[] = [
  {
    engine: 'docker',
    says: '`docker run --memory 64m` ends with 0 and no warning; `docker inspect` shows 67108864',
    is: 'on cgroup v1 no memory limit is written',
    since: 'every version seen; `docker info` warns of it: "Running in rootless-mode without cgroups"',
    howToSee: '`cat /sys/fs/cgroup/memory$(sed -n "s/^[0-9]*:memory://p" /proc/PID/cgroup)/memory.limit_in_bytes`',
    guests: V1,
    holds: (seen) =>
      seen['docker.inspect.memory'] === '67108864' &&
      seen['docker.limit.memory.words'] === '' &&
      isDropped(seen, 'docker', 'memory'),
  },
  {
    engine: 'podman',
    says: '`podman run --memory 64m` ends with 0; standard error has "Resource limits are not supported and ignored"',
    is: 'on cgroup v1 no limit is written',
    since: '4.3.1; 3.0.1 does not even say so',
    howToSee: '`podman inspect --format "{{.HostConfig.Memory}}" NAME` prints 0',
    guests: ['bookworm-v1'],
    holds: (seen) => seen['podman.inspect.memory'] === '0' && isDropped(seen, 'podman', 'memory'),
  },
  {
    engine: 'podman',
    says: '`podman run --memory 64m` ends with 0 and no warning; `podman inspect` shows 67108864',
    is: 'on cgroup v1 no memory limit is written',
    since: '3.0.1; 4.3.1 warns of it',
    howToSee: '`cat /sys/fs/cgroup/memory$(sed -n "s/^[0-9]*:memory://p" /proc/PID/cgroup)/memory.limit_in_bytes`',
    guests: ['bullseye-v1'],
    holds: (seen) =>
      seen['podman.inspect.memory'] === '67108864' &&
      seen['podman.limit.memory.words'] === '' &&
      isDropped(seen, 'podman', 'memory'),
  },
  {
    engine: 'docker',
    says: '`docker run --cpuset-cpus 0` ends with 0 and the warning "Cpuset discarded"',
    is: 'the container has every CPU; Podman refuses the same',
    since: 'wherever the cpuset controller is not delegated, which is the default of Debian',
    howToSee: '`docker run --rm --cpuset-cpus 0 busybox nproc`',
    guests: WITHOUT_CPUSET,
    holds: (seen) => seen['docker.limit.cpuset.exitCode'] === '0' && seen['podman.limit.cpuset'] === 'refused',
  },
  {
    engine: 'lxc',
    says: '`lxc-start -s lxc.cgroup2.memory.max=64M` typed in a login on cgroup v2 ends with 0 without a word',
    is: 'the container stays in the scope of the login and nothing holds it',
    since: 'LXC 5; LXC 4.0.6 refuses to start instead, and LXC 6 asks the systemd of the user for a scope itself',
    howToSee: '`cat /proc/PID/cgroup` has no lxc.payload in the path',
    guests: ['bookworm-default', 'bookworm-delegate'],
    holds: (seen) => seen['lxc.plain.exitCode'] === '0' && seen['lxc.plain.ownGroup'] === 'no',
  },
]

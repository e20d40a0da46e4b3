import {
  judgeBtrfs,
  judgeKernelOverlay,
  judgeStorage,
  supported,
  unknown,
  unsupported,
  type DriverUse,
  type Finding,
  type Fix,
  type HostFacts,
  type IdRange,
  type StorageCapabilities,
  type StorageDriver,
} from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import type { LxcFacts } from './lxc-facts.ts'
import { SETUP_FIX } from './lxc-errors.ts'

const MANUAL = 'lxc-create(1) -B'

export function toStorage(facts: LxcFacts, host: HostFacts): StorageCapabilities {
  return judgeStorage(toDriver(facts, host), toDrivers(facts, host), facts.mount)
}

/** `dir` is what lxc-create(1) makes unless told. It works when the mapped ids are this user's and reach the folder. */
function toDriver({ config, lxcPath }: LxcFacts, { user, userNamespace, home }: HostFacts): Finding<StorageDriver> {
  const { subordinateUserIds, subordinateGroupIds } = userNamespace
  const foreign = findForeignMap(config.idMaps, {
    u: subordinateUserIds.status === 'known' ? subordinateUserIds.value : undefined,
    g: subordinateGroupIds.status === 'known' ? subordinateGroupIds.value : undefined,
  })
  if (foreign === 'unknown') return unknown('the subordinate ids of this user could not be read')
  if (foreign !== undefined)
    return unsupported(
      `lxc.idmap = ${foreign.kind} ${foreign.inside} ${foreign.outside} ${foreign.count} is outside the subordinate ids of ${user.name}: newuidmap refuses it`,
      config.path,
      SETUP_FIX,
    )
  const inHome = lxcPath.status === 'known' && lxcPath.value.startsWith(`${user.homeDirectory}/`)
  if (inHome && home.passableByOthers.status === 'known' && !home.passableByOthers.value)
    return unsupported(
      `the mapped root of a container cannot pass through ${user.homeDirectory}`,
      home.passableByOthers.source,
      toPassableFix(user.homeDirectory),
    )
  return supported('dir', `${MANUAL}: dir unless told`, { note: 'the article calls it VFS: each container is a copy' })
}

/** The first map that newuidmap(1) would refuse: not covered by one range of the user. */
function findForeignMap(
  maps: readonly IdMap[],
  ranges: Readonly<Record<IdMap['kind'], readonly IdRange[] | undefined>>,
): IdMap | 'unknown' | undefined {
  for (const map of maps) {
    const own = ranges[map.kind]
    if (own === undefined) return 'unknown'
    if (!own.some(({ start, count }) => start <= map.outside && map.outside + map.count <= start + count)) return map
  }
  return undefined
}

function toPassableFix(homeDirectory: string): Fix {
  return {
    summary: 'let others pass through the home folder',
    commands: [['chmod', 'o+x', homeDirectory]],
    needsRoot: false,
    undo: `chmod o-x ${homeDirectory}`,
    check: ['ls', '-ld', homeDirectory],
  }
}

function toDrivers({ mount }: LxcFacts, host: HostFacts): Readonly<Record<StorageDriver, Finding<DriverUse>>> {
  const overlay = judgeKernelOverlay(host)
  return {
    overlay:
      overlay.status === 'supported'
        ? supported('available', overlay.evidence, { note: 'as a snapshot: lxc-copy -s -B overlay' })
        : overlay,
    'fuse-overlayfs': unsupported('LXC has no such backing store', MANUAL),
    btrfs: judgeBtrfs(mount),
    vfs: unsupported('LXC calls whole copies "dir"', MANUAL),
    dir: supported('available', MANUAL),
  }
}

import {
  judgeBtrfs,
  judgeFuseOverlay,
  judgeKernelOverlay,
  judgeStorage,
  supported,
  unknown,
  unsupported,
  type DriverUse,
  type Finding,
  type HostFacts,
  type StorageCapabilities,
  type StorageDriver,
} from '@rootless-runtime/core'
import type { DockerFacts } from './docker-facts.ts'

const MANUAL = 'dockerd --storage-driver'

/** `Driver` of GET /info, in our words. `overlayfs` is the name of the containerd image store, the default since 29. */
const GRAPH_DRIVERS: ReadonlyMap<string, StorageDriver> = new Map([
  ['overlay2', 'overlay'],
  ['overlayfs', 'overlay'],
  ['fuse-overlayfs', 'fuse-overlayfs'],
  ['btrfs', 'btrfs'],
  ['vfs', 'vfs'],
  ['native', 'vfs'],
])

export function toStorage({ info, mount }: DockerFacts, host: HostFacts): StorageCapabilities {
  const each = toDrivers(mount, host)
  return judgeStorage(toDriver(info.driver, each), each, mount)
}

function toDriver(word: string, each: Readonly<Record<StorageDriver, Finding<DriverUse>>>): Finding<StorageDriver> {
  const evidence = `GET /info: Driver = ${word}`
  const driver = GRAPH_DRIVERS.get(word)
  if (driver === undefined) return unknown(`${evidence}, which is not in our vocabulary`)
  // With a closed /dev/fuse the daemon starts and names it, and the first container fails (20.10).
  if (driver === 'fuse-overlayfs' && each[driver].status === 'unsupported') return each[driver]
  return supported(driver, evidence, driver === 'overlay' ? { note: "the kernel's own, since Linux 5.11" } : {})
}

function toDrivers(mount: DockerFacts['mount'], host: HostFacts): Readonly<Record<StorageDriver, Finding<DriverUse>>> {
  return {
    overlay: ownStore(judgeKernelOverlay(host)),
    'fuse-overlayfs': ownStore(judgeFuseOverlay(host)),
    btrfs: ownStore(judgeBtrfs(mount)),
    vfs: ownStore(supported('available', MANUAL)),
    dir: unsupported('Docker calls whole copies "vfs"', MANUAL),
  }
}

function ownStore(finding: Finding<DriverUse>): Finding<DriverUse> {
  if (finding.status !== 'supported') return finding
  return supported('available', finding.evidence, { note: `by ${MANUAL}; each driver has images of its own` })
}

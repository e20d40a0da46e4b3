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
import type { PodmanFacts } from './podman-facts.ts'
import type { PodmanInfo } from './podman-info.ts'

const MANUAL = 'containers-storage.conf(5)'

/** `store.graphDriverName` of podman info, in our words. Podman says `overlay` for fuse-overlayfs too. */
const GRAPH_DRIVERS: ReadonlyMap<string, StorageDriver> = new Map([
  ['overlay', 'overlay'],
  ['vfs', 'vfs'],
  ['btrfs', 'btrfs'],
])

export function toStorage({ info, mount }: PodmanFacts, host: HostFacts): StorageCapabilities {
  const each = toDrivers(mount, host)
  return judgeStorage(toDriver(info, each), each, mount)
}

function toDriver(info: PodmanInfo, each: Readonly<Record<StorageDriver, Finding<DriverUse>>>): Finding<StorageDriver> {
  const evidence = `podman info: store.graphDriverName = ${info.graphDriver}`
  const driver = GRAPH_DRIVERS.get(info.graphDriver)
  if (driver === undefined) return unknown(`${evidence}, which is not in our vocabulary`)
  if (driver !== 'overlay') return supported(driver, evidence)
  if (!info.mountProgram)
    return supported('overlay', `${evidence}, no overlay.mount_program`, { note: "the kernel's own, since Linux 5.11" })
  const fuse = each['fuse-overlayfs']
  return fuse.status === 'unsupported' ? fuse : supported('fuse-overlayfs', `${evidence}, with overlay.mount_program`)
}

function toDrivers(mount: PodmanFacts['mount'], host: HostFacts): Readonly<Record<StorageDriver, Finding<DriverUse>>> {
  return {
    overlay: settled(judgeKernelOverlay(host)),
    'fuse-overlayfs': settled(judgeFuseOverlay(host)),
    btrfs: settled(judgeBtrfs(mount)),
    vfs: settled(supported('available', MANUAL)),
    dir: unsupported('Podman calls whole copies "vfs"', MANUAL),
  }
}

// The first choice is written into the store (4.3.1): another driver needs a new one.
function settled(finding: Finding<DriverUse>): Finding<DriverUse> {
  if (finding.status !== 'supported') return finding
  return supported('available', finding.evidence, { note: 'after podman system reset, which removes all images and containers' })
}

import { STORAGE_LAYERS, type DriverUse, type StorageCapabilities, type StorageDriver } from './capabilities.ts'
import type { Fact } from './fact.ts'
import { supported, unknown, type Finding } from './finding.ts'
import { markInUse } from './mark-in-use.ts'
import type { Mount } from './mount.ts'

/** What follows from the driver in use and the mount under the engine's folder, alike for every engine. */
export function judgeStorage(
  driver: Finding<StorageDriver>,
  each: Readonly<Record<StorageDriver, Finding<DriverUse>>>,
  mount: Fact<Mount>,
): StorageCapabilities {
  return {
    driver,
    drivers: markInUse(each, driver),
    backingFileSystem: mount.status === 'known' ? supported(mount.value.type, mount.source) : unknown(mount.reason),
    layers:
      driver.status === 'supported' ? supported(STORAGE_LAYERS[driver.value], driver.evidence) : unknown('no storage works'),
  }
}

import type {
  Capabilities,
  CgroupManager,
  CgroupVersion,
  DriverUse,
  Finding,
  LimitName,
  NetworkDriver,
  NetworkProperty,
  PortDriver,
  StorageDriver,
} from '@rootless-runtime/core'

/** An answer without a value: could not, or could not look. */
export type NoValue = 'unsupported' | 'unknown'

/**
 * What one recording must lead to. Every word of the vocabulary has its place: a driver that is new to it does not compile until
 * each recording answers for it.
 */
export interface ExpectedCells {
  readonly networking: NetworkDriver | NoValue
  readonly networkDrivers: Readonly<Record<NetworkDriver, DriverUse | NoValue>>
  readonly portDriver: PortDriver | NoValue
  readonly mtuBytes: number | NoValue
  readonly properties: Readonly<Record<NetworkProperty, true | NoValue>>
  readonly storage: StorageDriver | NoValue
  readonly storageDrivers: Readonly<Record<StorageDriver, DriverUse | NoValue>>
  readonly backingFileSystem: string
  readonly layers: 'shared' | 'copied' | NoValue
  readonly cgroup: CgroupVersion | NoValue
  readonly cgroupVersions: Readonly<Record<CgroupVersion, DriverUse | NoValue>>
  readonly manager: CgroupManager | NoValue
  readonly managers: Readonly<Record<CgroupManager, DriverUse | NoValue>>
  readonly controllers: readonly string[] | NoValue
  readonly limits: Readonly<Record<LimitName, true | NoValue>>
}

/** The cells of capabilities, in the words of an expectation. */
export function toExpectedCells({ networking, storage, cgroup }: Capabilities): ExpectedCells {
  return {
    networking: toCell(networking.driver),
    networkDrivers: toCells(networking.drivers),
    portDriver: toCell(networking.portDriver),
    mtuBytes: toCell(networking.mtuBytes),
    properties: toCells(networking.properties),
    storage: toCell(storage.driver),
    storageDrivers: toCells(storage.drivers),
    backingFileSystem: toCell(storage.backingFileSystem),
    layers: toCell(storage.layers),
    cgroup: toCell(cgroup.version),
    cgroupVersions: toCells(cgroup.versions),
    manager: toCell(cgroup.manager),
    managers: toCells(cgroup.managers),
    controllers: toCell(cgroup.controllers),
    limits: toCells(cgroup.limits),
  }
}

function toCell<Value>(finding: Finding<Value>): Value | NoValue {
  return finding.status === 'supported' ? finding.value : finding.status
}

function toCells<Word extends string, Value>(findings: Readonly<Record<Word, Finding<Value>>>): Record<Word, Value | NoValue> {
  const cells = Object.entries<Finding<Value>>(findings).map(([word, finding]) => [word, toCell(finding)])
  // The same keys as the record that came in; the type of fromEntries cannot say so.
  return Object.fromEntries(cells) as Record<Word, Value | NoValue>
}

import type { Capabilities, DriverUse, PortDriver } from './capabilities.ts'
import { ENGINE_TITLES, type EngineName } from './engine.ts'
import type { Finding, Fix } from './finding.ts'
import type { EngineReport, Report } from './report.ts'

/** What a person reads in one place of the matrix. */
export interface MatrixCell {
  readonly status: 'supported' | 'unsupported' | 'unknown'
  /** The answer, in the field's own words. */
  readonly value: string
  /** Why, since when, what else could be chosen: one thought each. */
  readonly details: readonly string[]
  /** The next thing to do about it, where there is one. */
  readonly fix?: Fix
}

/** One row of the matrix. */
export interface MatrixRow {
  readonly title: string
  /** One cell per column, in the order of `columns`. */
  readonly cells: readonly MatrixCell[]
}

/** Capabilities × engines, as data: every output format is made from it. */
export interface Matrix {
  readonly columns: readonly { readonly engine: EngineName; readonly title: string }[]
  readonly rows: readonly MatrixRow[]
}

/** One row: its title, and how a cell is read off the capabilities of an engine. */
export interface RowDefinition {
  readonly title: string
  readonly cell: (capabilities: Capabilities, engine: EngineName) => MatrixCell
}

const ROWS: readonly RowDefinition[] = [
  { title: 'Networking', cell: toNetworkingCell },
  { title: 'Storage', cell: toStorageCell },
  { title: 'Cgroups', cell: toCgroupCell },
  { title: 'Limits', cell: toLimitsCell },
]

/** The matrix that `rootless compare` prints: the engines themselves, then networking, storage, cgroups and limits. */
export function toMatrix(report: Report): Matrix {
  return buildMatrix(report, ROWS, [{ title: 'Engine', cells: report.engines.map(toEngineCell) }])
}

/** Builds a matrix of the given rows. An engine that is not there says why in every cell, and in the first what to do. */
export function buildMatrix(report: Report, rows: readonly RowDefinition[], before: readonly MatrixRow[] = []): Matrix {
  return {
    columns: report.engines.map(({ engine }) => ({ engine, title: ENGINE_TITLES[engine] })),
    rows: [
      ...before,
      ...rows.map((row, index) => ({
        title: row.title,
        cells: report.engines.map((entry) => {
          if (entry.capabilities !== null) return row.cell(entry.capabilities, entry.engine)
          const cell = toMissingCell(entry)
          return before.length === 0 && index === 0 ? { ...cell, ...toFix(entry) } : cell
        }),
      })),
    ],
  }
}

function toEngineCell({ availability }: EngineReport): MatrixCell {
  if (availability.status === 'available')
    return { status: 'supported', value: availability.version, details: [availability.endpoint] }
  const cell = { details: [availability.reason], ...(availability.fix && { fix: availability.fix }) }
  if (availability.status === 'unknown') return { status: 'unknown', value: 'unknown', ...cell }
  return { status: 'unsupported', value: 'not available', ...cell }
}

function toMissingCell({ availability }: EngineReport): MatrixCell {
  if (availability.status === 'unavailable') return { status: 'unsupported', value: '-', details: [availability.reason] }
  const reason = availability.status === 'unknown' ? availability.reason : 'its capabilities could not be read'
  return { status: 'unknown', value: 'unknown', details: [reason] }
}

// Without a row of the engines themselves, the first one has room for what to do about an absent engine.
function toFix({ availability }: EngineReport): Pick<MatrixCell, 'fix'> {
  return availability.status === 'available' || availability.fix === undefined ? {} : { fix: availability.fix }
}

function toNetworkingCell({ networking }: Capabilities): MatrixCell {
  return toDriverCell(networking.driver, [
    ...valueDetail(networking.portDriver, (driver) => tellPorts(driver, networking.properties.publish)),
    ...valueDetail(networking.mtuBytes, (mtu) => `MTU ${mtu}`),
    ...alternatives(networking.drivers),
  ])
}

// Where the engine has no means of its own, this library may have some beside its containers.
function tellPorts(driver: PortDriver, publish: Finding<true>): string {
  if (driver !== 'none') return `ports by ${driver}`
  return publish.status === 'supported' ? 'ports by rootless run alone' : 'publishes no ports'
}

function toStorageCell({ storage }: Capabilities): MatrixCell {
  return toDriverCell(storage.driver, [
    ...valueDetail(storage.layers, (layers) => `layers ${layers}`),
    ...valueDetail(storage.backingFileSystem, (name) => `on ${name}`),
    ...alternatives(storage.drivers),
  ])
}

function toCgroupCell({ cgroup }: Capabilities): MatrixCell {
  const controllers = valueDetail(cgroup.controllers, (names) =>
    names.length === 0 ? 'no controllers' : `controllers ${names.join(', ')}`,
  )
  const manager =
    cgroup.manager.status === 'supported' ? [`manager ${cgroup.manager.value}`] : [`manager unknown: ${cgroup.manager.reason}`]
  const note = cgroup.manager.status === 'supported' && cgroup.manager.note !== undefined ? [cgroup.manager.note] : []
  return toDriverCell(cgroup.version, [...manager, ...controllers, ...note])
}

/** Limits in one cell: those that will be applied, and the reason why the others will not. */
function toLimitsCell({ cgroup }: Capabilities): MatrixCell {
  const entries = Object.entries(cgroup.limits)
  const named = (status: Finding<true>['status']): string[] =>
    entries.filter(([, finding]) => finding.status === status).map(([name]) => name)
  const applied = named('supported')
  const notes = new Set(entries.flatMap(([, finding]) => (finding.status === 'supported' ? (finding.note ?? []) : [])))
  const reasons = new Set(entries.flatMap(([, finding]) => (finding.status === 'supported' ? [] : [finding.reason])))
  const notApplied = named('unsupported')
  const notKnown = named('unknown')
  const fix = entries.flatMap(([, finding]) => (finding.status === 'unsupported' && finding.fix ? [finding.fix] : []))[0]
  const details = [
    ...(applied.length > 0 && notApplied.length > 0 ? [`not applied: ${notApplied.join(', ')}`] : []),
    ...(notKnown.length > 0 ? [`unknown: ${notKnown.join(', ')}`] : []),
    ...notes,
    ...reasons,
  ]
  if (applied.length > 0) return { status: 'supported', value: applied.join(', '), details, ...(fix && { fix }) }
  if (notApplied.length > 0) return { status: 'unsupported', value: 'none applied', details, ...(fix && { fix }) }
  return { status: 'unknown', value: 'unknown', details }
}

/** A cell whose value is the driver in use. */
export function toDriverCell(finding: Finding<string>, details: readonly string[]): MatrixCell {
  switch (finding.status) {
    case 'supported':
      return {
        status: 'supported',
        value: finding.value,
        details: [...(finding.note === undefined ? [] : [finding.note]), ...details],
      }
    case 'unsupported':
      return {
        status: 'unsupported',
        value: 'none works',
        details: [finding.reason, ...details],
        ...(finding.fix && { fix: finding.fix }),
      }
    case 'unknown':
      return { status: 'unknown', value: 'unknown', details: [finding.reason, ...details] }
  }
}

function valueDetail<Value>(finding: Finding<Value>, toText: (value: Value) => string): readonly string[] {
  return finding.status === 'supported' ? [toText(finding.value)] : []
}

function alternatives(drivers: Readonly<Record<string, Finding<DriverUse>>>): readonly string[] {
  const names = availableDrivers(drivers)
  return names.length === 0 ? [] : [`also ${names.join(', ')}`]
}

/** The drivers that are not in use and could be chosen, in the order of our vocabulary. */
export function availableDrivers(drivers: Readonly<Record<string, Finding<DriverUse>>>): readonly string[] {
  return Object.entries(drivers)
    .filter(([, finding]) => finding.status === 'supported' && finding.value === 'available')
    .map(([name]) => name)
}

import type { LimitVerdict, PublishedPort } from './container-state.ts'
import type { LimitPlan } from './driver.ts'
import type { Healthcheck, MountOptions } from './options.ts'

/** The label that holds what no engine tells back alike: JSON of a `ContainerRecord`. */
export const RECORD_LABEL = 'rootless-runtime.record'

/** What we noted of a container when we made it. */
export interface ContainerRecord {
  readonly ports: readonly PublishedPort[]
  readonly network: string
  readonly mounts: readonly MountOptions[]
  readonly limits: LimitPlan
  readonly refused: readonly LimitVerdict[]
  readonly healthcheck: Healthcheck | null
  /** Whether it may run without a limit that turns out not to be applied. */
  readonly mayWarn: boolean
}

const EMPTY: ContainerRecord = {
  ports: [],
  network: 'default',
  mounts: [],
  limits: { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null },
  refused: [],
  healthcheck: null,
  mayWarn: true,
}

/**
 * Reads the record of a label. Whoever may make containers of this user may have written it, so nothing is done with it that its
 * writer could not do; a container without one, or with another's, has an empty record.
 */
export function parseRecord(label: string | undefined): ContainerRecord {
  if (label === undefined) return EMPTY
  try {
    const found: unknown = JSON.parse(label)
    return isRecord(found) ? found : EMPTY
  } catch {
    return EMPTY
  }
}

function isRecord(found: unknown): found is ContainerRecord {
  if (typeof found !== 'object' || found === null) return false
  const { ports, network, mounts, limits, refused, healthcheck, mayWarn } = found as Partial<
    Record<keyof ContainerRecord, unknown>
  >
  return (
    Array.isArray(ports) &&
    ports.every(isPort) &&
    typeof network === 'string' &&
    Array.isArray(mounts) &&
    typeof limits === 'object' &&
    limits !== null &&
    Object.keys(EMPTY.limits).every((field) => field in limits) &&
    Array.isArray(refused) &&
    (healthcheck === null || isHealthcheck(healthcheck)) &&
    typeof mayWarn === 'boolean'
  )
}

function isPort(found: unknown): found is PublishedPort {
  if (typeof found !== 'object' || found === null) return false
  const { container, host, protocol, address } = found as Partial<Record<keyof PublishedPort, unknown>>
  return (
    typeof container === 'number' &&
    typeof host === 'number' &&
    typeof address === 'string' &&
    (protocol === 'tcp' || protocol === 'udp')
  )
}

function isHealthcheck(found: unknown): found is Healthcheck {
  if (typeof found !== 'object' || found === null || !('command' in found)) return false
  return Array.isArray(found.command) && found.command.every((word) => typeof word === 'string')
}

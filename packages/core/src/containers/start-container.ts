import { RootlessError } from '../errors.ts'
import type { Call } from './container.ts'
import type { LimitVerdict, PublishedPort } from './container-state.ts'
import type { ContainerDriver, DriverContext } from './driver.ts'
import { removeByForce, waitUntil } from './end-container.ts'
import { throwIfAborted } from './ending.ts'
import { askedFields, toNotEnforced } from './plan-limits.ts'
import { isTaken, readListening } from './plan-ports.ts'
import type { ContainerRecord } from './record.ts'
import { verifyLimits } from './verify-limits.ts'

/** RootlessKit's implicit port driver looks for new listeners every second and a half at most (pasta, RootlessKit 2.0.2). */
const PORT_MS = 2000

export interface Starting {
  readonly driver: ContainerDriver
  readonly context: DriverContext
  readonly id: string
  readonly record: ContainerRecord
}

/**
 * Starts a container and sees for itself that the limits hold and that the ports are listened on. `null`: it ran already, or asked for no
 * limit.
 *
 * @throws RootlessError `LIMIT_NOT_ENFORCED`: it was ended again.
 */
export async function startContainer(
  { driver, context, id, record }: Starting,
  call: Call,
): Promise<readonly LimitVerdict[] | null> {
  const before = await driver.inspect(id, call)
  if (before.status === 'running' || before.status === 'paused') return null
  throwIfAborted(call.signal)
  await driver.start(id, call)
  const limits = await keepPromise({ driver, context, id, record }, call)
  await seePorts({ driver, context, id, record }, call)
  return limits
}

async function keepPromise({ driver, context, id, record }: Starting, call: Call): Promise<readonly LimitVerdict[]> {
  if (askedFields(record.limits).length === 0) return record.refused
  const { pid } = await driver.inspect(id, call)
  const seen = await verifyLimits(context.machine, pid, record.limits)
  const broken = seen.filter(({ status }) => status === 'not-applied')
  if (broken.length > 0 && !record.mayWarn) {
    await removeByForce(driver, id)
    throw toNotEnforced(driver.engine, broken, (await context.capabilities()).cgroup.limits)
  }
  return [...record.refused, ...seen]
}

async function seePorts({ driver, context, id, record }: Starting, call: Call): Promise<void> {
  if (record.ports.length === 0) return
  let missing: readonly PublishedPort[] = record.ports
  const isSeen = async (): Promise<boolean> => {
    const listening = await readListening(context.machine)
    missing = missing.filter((port) => !isTaken(listening, port))
    return missing.length === 0
  }
  if (await waitUntil(isSeen, PORT_MS, call.signal)) return
  const { status, name } = await driver.inspect(id, call)
  if (status !== 'running') return
  const list = missing.map(({ address, host, protocol }) => `${address}:${host}/${protocol}`).join(', ')
  throw new RootlessError('ENGINE_REFUSED', `${name} was started, and nobody listens on its published ports ${list}`, {
    engine: driver.engine,
  })
}

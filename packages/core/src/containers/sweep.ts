import { printable } from '../printable.ts'
import type { Machine } from '../system.ts'
import type { Call } from './container.ts'
import type { SweepResult } from './container-state.ts'
import type { ContainerDriver, DriverSummary } from './driver.ts'
import { removeByForce } from './end-container.ts'
import { throwIfAborted } from './ending.ts'
import { createSecretFolders } from './secret-folders.ts'
import { hasEnded, MANAGED_LABEL, OWNER_LABEL, parseOwnerLabel } from './owner.ts'

/** How many containers are removed at once. */
const AT_ONCE = 4

/**
 * Removes our containers whose owner process has ended, or which are from before this boot, and what such a process had made for one
 * that it did not come to make.
 */
export async function sweepContainers(driver: ContainerDriver, machine: Machine, call: Call): Promise<SweepResult> {
  const ours = await driver.list({ [MANAGED_LABEL]: 'true' }, call)
  const waiting: DriverSummary[] = []
  for (const state of ours) {
    const owner = parseOwnerLabel(state.labels[OWNER_LABEL])
    if (owner !== null && (await hasEnded(owner, machine))) waiting.push(state)
  }
  const removed: string[] = []
  const failed: { name: string; reason: string }[] = []
  const work = async (): Promise<void> => {
    for (let state = waiting.shift(); state !== undefined; state = waiting.shift()) {
      throwIfAborted(call.signal)
      try {
        await removeByForce(driver, state.id, call.signal)
        removed.push(state.name)
      } catch (error) {
        throwIfAborted(call.signal)
        failed.push({ name: state.name, reason: printable(error instanceof Error ? error.message : String(error)) })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  // After the containers: what one of them still had is not left over from now on.
  await createSecretFolders(machine).sweep()
  await driver.sweepUnlisted?.(call)
  return { removed, failed }
}

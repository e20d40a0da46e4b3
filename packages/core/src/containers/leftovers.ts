import { printable } from '../printable.ts'
import type { Call } from './container.ts'
import type { SweepResult } from './container-state.ts'
import { hasCode, throwIfAborted } from './ending.ts'

/** What became of it: `not-yet` where nothing is and something may come, of an engine that was silent and did not die. */
type LeftoverEnd = 'removed' | 'nothing' | 'not-yet'

/** Something that a call has left in an engine that died, or went silent, in its middle. */
export interface Leftover {
  readonly name: string
  readonly remove: (call: Call) => Promise<LeftoverEnd>
}

/** What calls of this process have left: to be removed when the engine is back, though its owner lives. */
export interface Leftovers {
  add(leftover: Leftover): void
  /** Removes what is left by now; what cannot be removed stays noted. */
  remove(call: Call): Promise<SweepResult>
}

/** None yet. */
export function createLeftovers(): Leftovers {
  const left = new Set<Leftover>()
  return {
    add: (leftover) => void left.add(leftover),
    remove: async (call) => {
      const removed: string[] = []
      const failed: { name: string; reason: string }[] = []
      const noted = [...left]
      for (const leftover of noted) {
        throwIfAborted(call.signal)
        // Nobody else begins with it meanwhile.
        if (!left.delete(leftover)) continue
        try {
          const end = await leftover.remove(call)
          if (end === 'removed') removed.push(leftover.name)
          if (end === 'not-yet') left.add(leftover)
        } catch (error) {
          left.add(leftover)
          failed.push({ name: leftover.name, reason: printable(error instanceof Error ? error.message : String(error)) })
        }
      }
      return { removed, failed }
    },
  }
}

/** Of one where nothing is, after the call that has made it failed so. */
export function toEmptyEnd(error: unknown): LeftoverEnd {
  return hasCode(error, 'ENGINE_TIMEOUT') ? 'not-yet' : 'nothing'
}

/** Whether an engine said nothing to the end: what was asked may have been done, or half of it. */
export function isUncertain(error: unknown): boolean {
  return hasCode(error, 'ENGINE_GONE', 'ENGINE_UNAVAILABLE', 'ENGINE_TIMEOUT')
}

import { printable } from '../printable.ts'
import type { Call } from './container.ts'
import type { SweepResult } from './container-state.ts'
import { hasCode, throwIfAborted } from './ending.ts'

/** Something that a call has left in an engine that died, or went silent, in its middle. */
export interface Leftover {
  readonly name: string
  /** `false` when nothing is there. */
  readonly remove: (call: Call) => Promise<boolean>
  /**
   * The engine was silent and did not die: it may make it later, and even after it was removed while it was being made (Docker 20.10.24).
   */
  readonly mayComeLater: boolean
}

/** What calls of this process have left: to be removed when the engine is back, though its owner lives. */
export interface Leftovers {
  add(leftover: Leftover): void
  /** Removes what is left by now; what cannot be removed stays noted. */
  remove(call: Call): Promise<SweepResult>
}

/** How long what may come later is looked for. */
const LATE_MS = 60_000

/** None yet. */
export function createLeftovers(): Leftovers {
  const left = new Set<Leftover>()
  const untilMs = new WeakMap<Leftover, number>()
  const isAwaited = (leftover: Leftover): boolean => leftover.mayComeLater && performance.now() < (untilMs.get(leftover) ?? 0)
  return {
    add: (leftover) => {
      left.add(leftover)
      untilMs.set(leftover, performance.now() + LATE_MS)
    },
    remove: async (call) => {
      const removed: string[] = []
      const failed: { name: string; reason: string }[] = []
      const noted = [...left]
      for (const leftover of noted) {
        throwIfAborted(call.signal)
        // Nobody else begins with it meanwhile.
        if (!left.delete(leftover)) continue
        try {
          if (await leftover.remove(call)) removed.push(leftover.name)
          if (isAwaited(leftover)) left.add(leftover)
        } catch (error) {
          left.add(leftover)
          failed.push({ name: leftover.name, reason: printable(error instanceof Error ? error.message : String(error)) })
        }
      }
      return { removed, failed }
    },
  }
}

/** Whether an engine that failed so may do later what it was asked. */
export function isSilence(error: unknown): boolean {
  return hasCode(error, 'ENGINE_TIMEOUT')
}

/** Whether an engine said nothing to the end: what was asked may have been done, or half of it. */
export function isUncertain(error: unknown): boolean {
  return hasCode(error, 'ENGINE_GONE', 'ENGINE_UNAVAILABLE', 'ENGINE_TIMEOUT')
}

import { readFileSync } from 'node:fs'

/** How many checks ended how. */
export interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NOTHING: Count = { passed: 0, failed: 0, skipped: 0 }
export const PASSED: Count = { ...NOTHING, passed: 1 }
export const FAILED: Count = { ...NOTHING, failed: 1 }

/** The numbers that vitest wrote; a run that wrote none has failed. */
export function readCount(output: string, code: number): Count {
  try {
    const json: unknown = JSON.parse(readFileSync(output, 'utf8'))
    const number = (key: string): number => {
      const value: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, key) : undefined
      return typeof value === 'number' ? value : 0
    }
    // A suite that could not be loaded has no tests of its own to fail.
    const failed = Math.max(number('numFailedTests'), code === 0 ? 0 : 1)
    return { passed: number('numPassedTests'), failed, skipped: number('numPendingTests') + number('numTodoTests') }
  } catch {
    return FAILED
  }
}

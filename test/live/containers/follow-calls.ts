import { RootlessError } from 'rootless-runtime'
import type { Calls } from './engine-calls.ts'

/** How a call ended. */
export interface End {
  readonly name: string
  /** `done`, the code of the error, or `waiting` when it has not ended. */
  readonly code: string
  readonly message: string
  readonly afterMs: number
  readonly value: unknown
}

/** Calls that were begun. */
export interface Followed {
  /** How each ended, and how long after that moment. */
  endsAfter(momentMs: number): Promise<readonly End[]>
}

const WAITING_MS = 40_000

/** Begins calls at once. */
export function follow(calls: Calls, signal?: AbortSignal): Followed {
  const call = signal === undefined ? {} : { signal }
  const ends = Object.entries(calls).map(([name, begin]) => followOne(name, begin(call)))
  return {
    endsAfter: async (momentMs) => {
      const all = await Promise.all(ends)
      return all.map(({ name, code, message, value, atMs }) => {
        return { name, code, message, value, afterMs: Math.round(atMs - momentMs) }
      })
    },
  }
}

async function followOne(name: string, running: Promise<unknown>): Promise<Omit<End, 'afterMs'> & { readonly atMs: number }> {
  const patience = Promise.withResolvers<never>()
  const timer = setTimeout(() => patience.reject(new Error('it goes on')), WAITING_MS)
  try {
    const value = await Promise.race([running, patience.promise])
    return { name, code: 'done', message: '', value, atMs: performance.now() }
  } catch (error) {
    const code = error instanceof RootlessError ? error.code : 'waiting'
    return { name, code, message: String(error), value: null, atMs: performance.now() }
  } finally {
    clearTimeout(timer)
  }
}

/** A line for each, to be read by people. */
export function renderEnds(ends: readonly End[]): string {
  return ends.map(({ name, code, afterMs }) => `${name}: ${code} after ${afterMs} ms`).join('\n')
}

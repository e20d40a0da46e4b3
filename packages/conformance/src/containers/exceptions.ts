import { RootlessError, type ErrorCode } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { UnexpectedAnswer } from './expect-code.ts'

/** A behaviour that an engine does not have. */
export interface Exception {
  /** Why the engine differs, for the reader of the documentation. */
  readonly reason: string
  /** The code that comes back instead; without it, something else is seen than the behaviour says. */
  readonly instead?: ErrorCode
}

/** That the proof of a behaviour fails as its exception says. An exception that is not needed any more fails. */
export async function expectException({ reason, instead }: Exception, proof: () => Promise<void>): Promise<void> {
  const seen = await watch(proof)
  expect({ seen, reason }).toEqual({ seen: instead ?? 'another behaviour', reason })
}

/** What a proof met: nothing wrong, another behaviour than it says, or an error of ours, by its code. What broke is thrown. */
async function watch(proof: () => Promise<void>): Promise<ErrorCode | 'the behaviour' | 'another behaviour'> {
  try {
    await proof()
    return 'the behaviour'
  } catch (error) {
    if (error instanceof RootlessError) return error.code
    if (error instanceof UnexpectedAnswer) return error.code ?? 'another behaviour'
    if (error instanceof Error && error.name === 'AssertionError') return 'another behaviour'
    throw error
  }
}

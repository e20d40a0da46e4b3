import { RootlessError, type ErrorCode } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { UnexpectedAnswer } from './expect-code.ts'

/** A behaviour that an engine does not have. */
export interface Exception {
  /** Why the engine differs, for the reader of the documentation. */
  readonly reason: string
  /** The code that comes back instead; without it, the proof of the behaviour fails in another way. */
  readonly instead?: ErrorCode
}

/** That the proof of a behaviour fails as its exception says. An exception that is not needed any more fails. */
export async function expectException({ reason, instead }: Exception, proof: () => Promise<void>): Promise<void> {
  let failure: unknown
  try {
    await proof()
  } catch (error) {
    failure = error
  }
  expect({ needed: failure !== undefined, reason }).toEqual({ needed: true, reason })
  if (instead !== undefined) expect({ code: toCode(failure), failure }).toMatchObject({ code: instead })
}

function toCode(failure: unknown): ErrorCode | null {
  return failure instanceof RootlessError || failure instanceof UnexpectedAnswer ? failure.code : null
}

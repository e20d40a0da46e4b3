import { RootlessError, type ErrorCode } from '@rootless-runtime/core'
import { expect } from 'vitest'

/** Another answer than the error code that a behaviour asks for; `code` is null when there was no error of ours. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer'
  readonly code: ErrorCode | null

  constructor(message: string, code: ErrorCode | null, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** That the work fails with this code, in words that a terminal may be shown. */
export async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<RootlessError> {
  const error = await caught(work, code)
  if (!(error instanceof RootlessError)) throw new UnexpectedAnswer(`expected ${code}, and got ${String(error)}`, null, error)
  if (error.code !== code) {
    throw new UnexpectedAnswer(`expected ${code}, and got ${error.code}: ${error.message}`, error.code, error)
  }
  expect(error.message).not.toBe('')
  expect(error.message).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/u)
  return error
}

async function caught(work: Promise<unknown>, code: ErrorCode): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new UnexpectedAnswer(`expected ${code}, and nothing was thrown`, null)
}

/** The code of the failure of this work; `null` when it does not fail. What is no error of ours is thrown. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof RootlessError) return error.code
    throw error
  }
}

import { expect, test } from 'vitest'

/** A test that cannot run here: a skip that tells its reason. */
export function leaveOut(title: string, reason: string): void {
  test.skip(`${title}: left out, ${reason}`, () => {})
}

/** Tests want an engine that is not there: they are left out with its reason; in CI, where every engine must be there, it is a failure. */
export function missEngine(title: string, reason: string): void {
  if (process.env['CI'] === 'true') test(`${title} is there`, () => expect(reason).toBe('available'))
  else leaveOut(title, reason)
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAtLeastVersion } from '../src/index.ts'

test.each([
  ['20.10.24+dfsg1', 20, 10, true],
  ['20.9.1', 20, 10, false],
  ['5.0.0-rc1', 4, 7, true],
  ['5.0.0', 5, 0, true],
  ['5', 5, 0, true],
  ['4', 4, 1, false],
  ['', 0, 1, false],
  ['latest', 0, 0, false],
])('%s is at least %i.%i: %s', (version, major, minor, expected) => {
  expect(isAtLeastVersion(version, major, minor)).toBe(expected)
})

test('rubbish is no version', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(isAtLeastVersion(text, 1, 0) && !/^\s*[+-]?\d/u.test(text)).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

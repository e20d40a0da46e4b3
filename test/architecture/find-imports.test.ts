import { expect, test } from 'vitest'
import { findImports } from './find-imports.ts'

test.each([
  ["import { a } from 'one'", ['one']],
  ["import {\n  a,\n  b,\n} from 'one'\nimport c from 'two'", ['one', 'two']],
  ["import type { a } from 'one'", []],
  ["export { a } from './one.ts'", ['./one.ts']],
  ["export type { a } from './one.ts'", []],
  ["const a = await import('one')", ['one']],
  ["import 'one'", ['one']],
])('%j imports %j', (source, expected) => {
  expect(findImports(source)).toEqual(expected)
})

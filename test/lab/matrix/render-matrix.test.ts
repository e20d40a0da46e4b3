import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CORE_GUESTS, parseKindName, toKindName } from '../releases.ts'
import { ARTICLE, findProof } from './article.ts'
import { judgeGuest } from './judge.ts'
import { hashCode, readObservations } from './observation.ts'
import { parseSeen } from './observe.ts'
import { QUIRKS } from './quirks.ts'
import { renderPages } from './render-matrix.ts'

const observed = readObservations()

test('guests were observed', () => {
  expect(observed).not.toEqual([])
})

test.each(Object.entries(renderPages(observed)))('docs/%s is exactly what was observed', (name, content) => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs', name), 'utf8')).toBe(content)
})

test.each(observed)('$guest ($suite) was observed by the code of now: else run $command', ({ suite, codeHash }) => {
  expect(codeHash).toBe(hashCode(suite))
})

test.each(observed.filter(({ suite }) => suite === 'matrix'))('$guest is judged by the table of now', (found) => {
  const kind = parseKindName(found.guest)
  if (kind === undefined || kind.configuration === 'bare') throw new Error(`${found.guest} is no guest of the matrix`)
  const { said = {}, seen = {} } = found
  expect(found.observations).toEqual(judgeGuest(kind.release, kind.configuration, { said, seen }))
})

test.each(observed.flatMap(({ observations }) => observations))('$guest $engine $variant $cell is not contradicted', (fact) => {
  expect(`${fact.verdict}: said ${fact.said}, seen ${fact.seen}, expected ${fact.expected}`).not.toMatch(/^contradicted/u)
})

test.each(
  QUIRKS.flatMap((quirk) =>
    observed.flatMap(({ guest, seen }) => (seen !== undefined && quirk.guests.includes(guest) ? [{ quirk, guest, seen }] : [])),
  ),
)('$guest shows the quirk: $quirk.engine: $quirk.is', ({ quirk, seen }) => {
  expect(quirk.holds(seen)).toBe(true)
})

// Some rows are seen in one guest or one axis alone.
const missing = CORE_GUESTS.map(toKindName)
  .filter((name) => !observed.some(({ guest }) => guest === name))
  .concat(observed.some(({ suite }) => suite === 'axes') ? [] : ['the axes'])

test.each(ARTICLE)('the row of the article is observed: $engine $aspect $article', (row) => {
  const proof = findProof(row, observed)
  if (proof === undefined && missing.length > 0) return expect(renderPages(observed)['matrix.md']).toContain('not observed')
  expect(proof).toBeDefined()
})

test('an observer that broke off is not believed', () => {
  expect(() => parseSeen('host.cgroup=v2\n')).toThrow(/did not reach its end/u)
})

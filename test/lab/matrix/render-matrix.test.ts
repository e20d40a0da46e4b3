import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ALL_GUESTS, parseKindName, toKindName } from '../releases.ts'
import { ARTICLE, findProof } from './article.ts'
import { judgeGuest } from './judge.ts'
import { hashCode, readObservations } from './observation.ts'
import { parseSeen } from './observe.ts'
import { QUIRKS } from './quirks.ts'
import { renderPages } from './render-matrix.ts'

const observed = readObservations()

test('every guest with engines was observed', () => {
  const withEngines = ALL_GUESTS.filter(({ configuration }) => configuration !== 'bare').map(toKindName)
  const seen = observed.filter(({ suite }) => suite === 'matrix').map(({ guest }) => guest)
  expect(seen.toSorted()).toEqual(withEngines.toSorted())
})

test('no cell of the page is unobserved, and what is refused has its reason', () => {
  expect(renderPages(observed)['matrix.md']).not.toMatch(/not observed/iu)
  const facts = observed.flatMap(({ observations }) => observations)
  expect(facts.filter(({ verdict }) => verdict === 'unverified')).toEqual([])
  expect(facts.filter(({ verdict, reason = '' }) => verdict === 'refused' && reason === '')).toEqual([])
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

test.each(ARTICLE)('the row of the article is observed: $engine $aspect $article', (row) => {
  expect(findProof(row, observed)).toBeDefined()
})

test('an observer that broke off is not believed', () => {
  expect(() => parseSeen('host.cgroup=v2\n')).toThrow(/did not reach its end/u)
})

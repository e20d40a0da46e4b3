import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTAINER_BEHAVIOURS, type Behaviour } from '@rootless-runtime/conformance'
import { expect, test } from 'vitest'
import { renderDifferences } from '../live/containers/render-differences.ts'

const behaviours = Object.values<Readonly<Record<string, Behaviour>>>(CONTAINER_BEHAVIOURS).flatMap((each) =>
  Object.entries(each),
)

test('the page of where engines differ is what the suite says', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/where-engines-differ.md'), 'utf8')
  expect(page).toBe(renderDifferences())
})

test('every behaviour has an id and a sentence of its own', () => {
  expect(behaviours.length).toBeGreaterThanOrEqual(150)
  expect(new Set(behaviours.map(([id]) => id)).size).toBe(behaviours.length)
  expect(new Set(behaviours.map(([, { sentence }]) => sentence)).size).toBe(behaviours.length)
})

test('ids are short words and sentences are one line', () => {
  expect(behaviours.filter(([id]) => !/^[a-z0-9]+(?:-[a-z0-9]+)+$/u.test(id) || id.length > 40)).toEqual([])
  expect(behaviours.filter(([, { sentence }]) => !/^[^\n|]{10,140}[^.]$/u.test(sentence)).map(([id]) => id)).toEqual([])
})

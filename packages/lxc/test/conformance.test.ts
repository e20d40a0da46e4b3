import { readdirSync, readFileSync } from 'node:fs'
import { describeRuntime } from '@rootless-runtime/conformance'
import { expect, test } from 'vitest'
import { createLxc } from '../src/lxc.ts'
import { EXPECTED_CELLS } from './expected-cells.ts'

const folder = new URL('../recordings/', import.meta.url)

describeRuntime({
  title: 'LXC',
  create: createLxc,
  recordings: Object.entries(EXPECTED_CELLS).map(([name, expected]) => ({
    name,
    text: readFileSync(new URL(name, folder), 'utf8'),
    expected,
  })),
})

test('every recording of LXC has its expectation', () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(EXPECTED_CELLS).toSorted())
})

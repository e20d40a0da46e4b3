import { readdirSync, readFileSync } from 'node:fs'
import { describeRuntime } from '@rootless-runtime/conformance'
import { expect, test } from 'vitest'
import { createDocker } from '../src/docker.ts'
import { EXPECTED_CELLS } from './expected-cells.ts'

const folder = new URL('../recordings/', import.meta.url)

describeRuntime({
  title: 'Docker',
  create: createDocker,
  recordings: Object.entries(EXPECTED_CELLS).map(([name, expected]) => ({
    name,
    text: readFileSync(new URL(name, folder), 'utf8'),
    expected,
  })),
})

test('every recording of Docker has its expectation', () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(EXPECTED_CELLS).toSorted())
})

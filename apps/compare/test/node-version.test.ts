import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tellOldNode } from '../src/node-version.ts'

test.each(['20.20.2', '22.17.9', '18.0.0', ''])('Node %j is told what is needed', (version) => {
  expect(tellOldNode(version)).toMatch(/needs Node 22\.18 or later/u)
})

test.each(['22.18.0', '22.20.1', '24.0.0', '26.1.0'])('Node %s is new enough', (version) => {
  expect(tellOldNode(version)).toBeUndefined()
})

test('the version is the one that the package promises', () => {
  const manifest = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  const promised = /"node": ">=([\d.]+)"/u.exec(manifest)?.[1] ?? ''
  expect(tellOldNode('0.0.0')).toContain(`needs Node ${promised} or later`)
})

import { expect, test } from 'vitest'
import { judgeTime, readFaults } from './fault-record.ts'
import { FAULTS, LOGOUT_TITLE } from './faults.ts'
import { toStatements } from './statements.ts'

test('every sentence that says what is wrong is found with its commands, however deep', () => {
  const report = {
    host: { conditions: [{ message: 'tun is closed', fix: { commands: [['chmod', '666', '/dev/net/tun']] } }] },
    engines: [{ availability: { reason: 'not there' }, capabilities: { driver: { status: 'supported', value: 'vfs' } } }],
  }
  expect(toStatements(report)).toEqual([
    { text: 'tun is closed', commands: ['chmod 666 /dev/net/tun'] },
    { text: 'not there', commands: [] },
  ])
})

test.each([
  [9999, 'tcg', 'seconds'],
  [10_000, 'tcg', 'ratio'],
  [15_000, 'tcg', undefined],
  [10_000, 'kvm', undefined],
] as const)('%d ms by %s is held by %s', (elapsedMs, accelerator, heldBy) => {
  expect(judgeTime(elapsedMs, { undisturbedMs: 5000, accelerator })).toBe(heldBy)
})

test('every fault was proved, in its time', () => {
  const record = readFaults()
  if (record === undefined) throw new Error('LAB_GUESTS=bookworm-delegate vitest run --project lab test/lab/faults')
  const { faults, ...how } = record
  const titles = [LOGOUT_TITLE, ...FAULTS.map(({ title }) => title)]
  expect(faults.map(({ title }) => title).toSorted()).toEqual(titles.toSorted())
  expect(faults.map(({ elapsedMs }) => judgeTime(elapsedMs, how))).toEqual(faults.map(({ heldBy }) => heldBy))
})

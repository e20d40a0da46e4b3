import { expect, test } from 'vitest'
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

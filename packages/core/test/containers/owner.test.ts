import { describe, expect, test } from 'vitest'
import { parseOwnerLabel, parseStat, toOwnerLabel } from '../../src/containers/owner.ts'
import { isTaken, parseListening } from '../../src/containers/plan-ports.ts'
import { parseRecord } from '../../src/containers/record.ts'

const OWNER = { pid: 42, startTicks: 123_456, bootId: '01234567-89ab-cdef-0123-456789abcdef' }

test('an owner survives its label', () => {
  expect(parseOwnerLabel(toOwnerLabel(OWNER))).toEqual(OWNER)
})

test.each(['nobody', '', '1:2', '1:2:not-a-boot', `1:2:${OWNER.bootId} `, undefined])('%j names no owner', (label) => {
  expect(parseOwnerLabel(label)).toBeNull()
})

test('the name of a process may hold blanks and brackets', () => {
  const fields = Array.from({ length: 18 }, (_, index) => index + 4).join(' ')
  expect(parseStat(`7 (a) b (c) S ${fields} 999 23`)).toEqual({ pid: 7, startTicks: 999 })
  expect(parseStat('nothing')).toBeNull()
})

describe('a record', () => {
  test.each(['', 'null', '[]', '{"ports":1}', '{"ports":[{"host":"x"}]}', '{'.repeat(1000)])(
    'that is none is empty: %j',
    (label) => {
      expect(parseRecord(label)).toMatchObject({ ports: [], network: 'default', refused: [] })
    },
  )
})

const TCP = `  sl  local_address rem_address   st
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000
   2: 0100007F:1F91 0100007F:0050 01 00000000:00000000
`

describe('a port is taken', () => {
  const listening = parseListening(TCP, 'tcp')
  const port = { container: 80, protocol: 'tcp' as const }

  test.each([
    ['by who listens at the same address', '127.0.0.1', 8080, true],
    ['by who listens at every address', '127.0.0.1', 22, true],
    ['for every address by who listens at one', '0.0.0.0', 8080, true],
    ['by nobody at another address', '192.0.2.2', 8080, false],
    ['by nobody when a connection only uses it', '127.0.0.1', 8081, false],
  ])('%s', (_, address, host, taken) => {
    expect(isTaken(listening, { ...port, address, host })).toBe(taken)
  })
})

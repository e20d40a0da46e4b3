import { expect, test } from 'vitest'
import {
  known,
  knownValue,
  RootlessError,
  supported,
  supportedValue,
  toEngineUnavailable,
  unknown,
  unknownFact,
  unsupported,
} from '../src/index.ts'
import { AVAILABLE, FIX, NOT_KNOWN, UNAVAILABLE } from './fixtures.ts'

test.each([
  ['supported', supported('v2', 'mounts'), { status: 'supported', value: 'v2', evidence: 'mounts' }],
  [
    'supported with a note',
    supported(1, 'e', { note: 'since 5.11' }),
    { status: 'supported', value: 1, evidence: 'e', note: 'since 5.11' },
  ],
  ['unsupported', unsupported('no', 'e'), { status: 'unsupported', reason: 'no', evidence: 'e' }],
  ['unsupported with a fix', unsupported('no', 'e', FIX), { status: 'unsupported', reason: 'no', evidence: 'e', fix: FIX }],
  ['unknown', unknown('timed out'), { status: 'unknown', reason: 'timed out' }],
])('a finding that is %s has no other key', (_, finding, expected) => {
  expect(finding).toStrictEqual(expected)
})

test.each([
  ['supported', supported('v2', 'e'), 'v2'],
  ['supported with an empty value', supported('', 'e'), ''],
  ['unsupported', unsupported('no', 'e'), undefined],
  ['unknown', unknown('timed out'), undefined],
])('the value of a finding that is %s', (_, finding, expected) => {
  expect(supportedValue(finding)).toBe(expected)
})

test.each([
  ['known', known(0, '/proc/a'), 0],
  ['known to be nothing', known(null, '/proc/a'), null],
  ['unknown', unknownFact('denied', '/proc/a'), undefined],
])('the value of a fact that is %s', (_, fact, expected) => {
  expect(knownValue(fact)).toBe(expected)
  expect(fact.source).toBe('/proc/a')
})

test('an error without options has its code and its message', () => {
  const error = new RootlessError('ABORTED', 'ended by the caller')
  expect(error).toBeInstanceOf(Error)
  expect([error.name, error.code, error.message]).toEqual(['RootlessError', 'ABORTED', 'ended by the caller'])
  expect([error.engine, error.evidence, error.fix, error.cause]).toEqual([undefined, undefined, undefined, undefined])
})

test('an error keeps its cause, evidence, engine and fix', () => {
  const cause = new Error('ECONNRESET')
  const error = new RootlessError('ENGINE_REFUSED', 'no', { engine: 'podman', evidence: 'exit 125', fix: FIX, cause })
  expect(error).toMatchObject({ engine: 'podman', evidence: 'exit 125', fix: FIX })
  expect(error.cause).toBe(cause)
})

test.each([
  ['unavailable', UNAVAILABLE, 'podman is not on the PATH', 'podman: not on the PATH', 'install Podman'],
  ['unknown', NOT_KNOWN, 'did not end in time', '', undefined],
  ['available and yet without facts', AVAILABLE, 'gave no facts', 'DOCKER_HOST: not set', undefined],
])('an engine that is %s is an error with the reason, every place and the fix', (_, availability, reason, evidence, fix) => {
  const error = toEngineUnavailable('podman', availability)
  expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', engine: 'podman', evidence })
  expect(error.message).toContain(reason)
  expect(error.fix?.summary).toBe(fix)
})

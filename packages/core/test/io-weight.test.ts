import { expect, test } from 'vitest'
import {
  judgeIoWeight,
  known,
  readIoWeightRefusal,
  supported,
  unknownFact,
  type Answer,
  type Finding,
  type System,
} from '../src/index.ts'

const system = (status: Answer<never>['status'] | 'ok') =>
  ({
    status: async (path: string) =>
      status === 'ok' ? { status, value: { kind: 'file' } } : { status, reason: `${path}: ${status}` },
  }) as unknown as System

test.each([
  ['runc', '1.0.0~rc93+ds1-5+deb11u5', true],
  ['runc', '1.0.0-rc94', false],
  ['runc', '1.0.0', false],
  ['runc', '1.1.5+ds1-1+deb12u1', false],
  ['runc', 'v1.1.12-0-g51d5e94', false],
  ['runc', '0.1.1', true],
  ['crun', '0.17', true],
  ['crun', '1.4.5', true],
  ['crun', '1.5', false],
  ['crun', '1.21', false],
  ['youki', '0.1', false],
  ['runc', '12644e614e25b05da6fd08a38ffa0cfe1903fdec', false],
  ['crun', '', false],
])('%s %s without BFQ refuses a weight: %s', async (runtime, version, refuses) => {
  const refusal = await readIoWeightRefusal(system('absent'), runtime, version)
  expect(refusal).toMatchObject({
    status: 'known',
    value: refuses ? expect.stringContaining(`${runtime} ${version}`) : null,
  })
})

test('with BFQ an old runtime refuses nothing; who cannot look does not know', async () => {
  expect(await readIoWeightRefusal(system('ok'), 'crun', '0.17')).toMatchObject({ status: 'known', value: null })
  expect(await readIoWeightRefusal(system('denied'), 'crun', '0.17')).toMatchObject({ status: 'unknown' })
})

test('a limit on io is what the controller and the runtime allow', () => {
  const allowed: Finding<true> = supported(true, 'cgroup.controllers')
  expect(judgeIoWeight(allowed, known(null, ''))).toBe(allowed)
  expect(judgeIoWeight(allowed, known('no', 'x'))).toMatchObject({ status: 'unsupported', reason: 'no', evidence: 'x' })
  expect(judgeIoWeight(allowed, unknownFact('denied', 'x'))).toMatchObject({ status: 'unknown', reason: 'denied' })
})

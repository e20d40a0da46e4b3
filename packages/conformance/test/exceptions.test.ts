import { RootlessError } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { expectCode, UnexpectedAnswer } from '../src/containers/expect-code.ts'
import { expectException } from '../src/containers/exceptions.ts'

const reason = 'an old kernel'
const refuses = () => Promise.reject(new RootlessError('NOT_SUPPORTED', 'not here'))
const differs = async (): Promise<void> => expect('seen').toBe('wanted')

test('an exception holds when the code comes back that it names', async () => {
  await expect(expectException({ reason, instead: 'NOT_SUPPORTED' }, refuses)).resolves.toBeUndefined()
  const otherCode = async (): Promise<void> => void (await expectCode('IMAGE_INVALID', refuses()))
  await expect(expectException({ reason, instead: 'NOT_SUPPORTED' }, otherCode)).resolves.toBeUndefined()
})

test('an exception without a code holds when something else is seen', async () => {
  await expect(expectException({ reason }, differs)).resolves.toBeUndefined()
  const nothingThrown = async (): Promise<void> => void (await expectCode('IMAGE_INVALID', Promise.resolve()))
  await expect(expectException({ reason }, nothingThrown)).resolves.toBeUndefined()
})

test.each([
  ['that is not needed any more', { reason }, async () => {}],
  ['whose code is not needed any more', { reason, instead: 'NOT_SUPPORTED' } as const, async () => {}],
  ['whose code is another one', { reason, instead: 'NOT_RUNNING' } as const, refuses],
  ['that names no code where one comes back', { reason }, refuses],
  ['that names a code where something else is seen', { reason, instead: 'NOT_SUPPORTED' } as const, differs],
  ['where something broke', { reason }, () => Promise.reject(new TypeError('undefined is not a function'))],
])('an exception %s fails', async (_, exception, proof) => {
  await expect(expectException(exception, proof)).rejects.toThrow(/^expected \{ seen|^undefined is not/u)
})

test('a code is expected: another one, none, and what is no error of ours are told apart', async () => {
  await expect(expectCode('NOT_SUPPORTED', refuses())).resolves.toMatchObject({ message: 'not here' })
  await expect(expectCode('NOT_RUNNING', refuses())).rejects.toMatchObject({ name: 'UnexpectedAnswer', code: 'NOT_SUPPORTED' })
  await expect(expectCode('NOT_RUNNING', Promise.resolve())).rejects.toBeInstanceOf(UnexpectedAnswer)
  await expect(expectCode('NOT_RUNNING', Promise.reject(new Error('x')))).rejects.toMatchObject({ code: null })
})

test('a message with control characters is not taken', async () => {
  const ugly = Promise.reject(new RootlessError('NOT_SUPPORTED', 'red: \u001b[31m'))
  await expect(expectCode('NOT_SUPPORTED', ugly)).rejects.toThrow(/match/u)
})

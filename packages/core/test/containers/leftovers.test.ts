import { expect, test } from 'vitest'
import { createLeftovers, isSilence, isUncertain } from '../../src/containers/leftovers.ts'
import { tellGone } from '../../src/containers/tell-gone.ts'
import { guardCreations } from '../../src/containers/cut-creations.ts'
import { RootlessError, type ErrorCode } from '../../src/errors.ts'

const fail = (code: ErrorCode): Promise<never> => Promise.reject(new RootlessError(code, 'because'))

test('what is left is removed once', async () => {
  const leftovers = createLeftovers()
  let count = 0
  leftovers.add({
    name: 'web',
    remove: async () => {
      count += 1
      return true
    },
    mayComeLater: false,
  })
  expect(await Promise.all([leftovers.remove({}), leftovers.remove({})])).toEqual([
    { removed: ['web'], failed: [] },
    { removed: [], failed: [] },
  ])
  expect(count).toBe(1)
})

test('what cannot be removed yet is tried again, and so is what may come later', async () => {
  const leftovers = createLeftovers()
  const ends = [() => fail('ENGINE_UNAVAILABLE'), async () => false, async () => true, async () => true]
  leftovers.add({ name: 'web', remove: () => (ends.shift() ?? (() => fail('ABORTED')))(), mayComeLater: true })
  expect(await leftovers.remove({})).toEqual({ removed: [], failed: [{ name: 'web', reason: 'because' }] })
  expect(await leftovers.remove({})).toEqual({ removed: [], failed: [] })
  expect(await leftovers.remove({})).toEqual({ removed: ['web'], failed: [] })
  // It came again.
  expect(await leftovers.remove({})).toEqual({ removed: ['web'], failed: [] })
})

test('of an engine that was silent something may come yet, of one that died not', () => {
  expect(isSilence(new RootlessError('ENGINE_TIMEOUT', ''))).toBe(true)
  expect(isSilence(new RootlessError('ENGINE_GONE', ''))).toBe(false)
  expect(isUncertain(new RootlessError('NAME_IN_USE', ''))).toBe(false)
})

test('a network whose creation was cut is taken back before the next one is made, and no other of its name', async () => {
  const made: { name: string; labels: Readonly<Record<string, string>> }[] = []
  const engine = { dies: true }
  const leftovers = createLeftovers()
  const networks = guardCreations(
    {
      create: async (name, options) => {
        made.push({ name, labels: options?.labels ?? {} })
        if (engine.dies) await fail('ENGINE_GONE')
      },
      list: async () => made,
      remove: async (name) =>
        void made.splice(
          made.findIndex((each) => each.name === name),
          1,
        ),
    },
    leftovers,
  )
  await expect(networks.create('net', { labels: { mine: 'yes' } })).rejects.toMatchObject({ code: 'ENGINE_GONE' })
  expect(await networks.list()).toEqual([{ name: 'net', labels: { mine: 'yes' } }])
  engine.dies = false
  await networks.create('net')
  expect(await networks.list()).toEqual([{ name: 'net', labels: {} }])
  expect(await leftovers.remove({})).toEqual({ removed: [], failed: [] })
  expect(made).toHaveLength(1)
})

test.each([
  ['has answered since the call began', Number.POSITIVE_INFINITY, 'ENGINE_GONE'],
  ['has not answered since the call began', Number.NEGATIVE_INFINITY, 'ENGINE_UNAVAILABLE'],
])('an engine that %s and cannot be reached', async (_, answeredAtMs, code) => {
  const part = tellGone(
    {
      name: 'engine',
      ask: () => fail('ENGINE_UNAVAILABLE'),
      refuse: () => fail('NAME_IN_USE'),
      tell: async function* () {
        yield 1
        await fail('ENGINE_UNAVAILABLE')
      },
    },
    () => answeredAtMs,
  )
  const told: number[] = []
  const listen = async (): Promise<void> => {
    for await (const item of part.tell()) told.push(item)
  }
  expect(part.name).toBe('engine')
  await expect(part.ask()).rejects.toMatchObject({ code, message: 'because' })
  await expect(listen()).rejects.toMatchObject({ code })
  expect(told).toEqual([1])
  await expect(part.refuse()).rejects.toMatchObject({ code: 'NAME_IN_USE' })
})

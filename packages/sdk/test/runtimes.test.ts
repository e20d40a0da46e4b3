import { expect, test } from 'vitest'
import { discoverRuntimes, ENGINE_NAMES, openRuntime, RootlessError, selectRuntime, type System } from '../src/index.ts'
import { createAbsentSystem, createFailingSystem, createLxcSystem, HANGING } from './fake-system.ts'

async function toError(pending: Promise<unknown>): Promise<RootlessError> {
  const outcome = await pending.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  )
  if (outcome instanceof RootlessError) return outcome
  throw outcome
}

test.each([
  ['absent', createAbsentSystem(), 'unavailable'],
  ['broken', createFailingSystem(), 'unknown'],
])('on a host where everything is %s every engine is told, with its reason and every place', async (_, system, status) => {
  const found = await discoverRuntimes({ system, timeoutMs: 500 })
  expect(found.map(({ engine }) => engine)).toEqual([...ENGINE_NAMES])
  for (const { engine, runtime, availability } of found) {
    expect(runtime.engine).toBe(engine)
    expect(availability.status).toBe(status)
    expect(availability.places.length).toBeGreaterThan(0)
    expect(availability.places.filter(({ place, answer }) => place === '' || answer === '')).toEqual([])
    expect(availability.places.filter(({ verdict }) => verdict === 'used')).toEqual([])
  }
})

test('only the engines that were named are asked, in that order', async () => {
  const found = await discoverRuntimes({ system: createAbsentSystem(), engines: ['lxc', 'docker'] })
  expect(found.map(({ engine }) => engine)).toEqual(['lxc', 'docker'])
})

test('an engine that is there is available beside those that are not', async () => {
  const found = await discoverRuntimes({ system: createLxcSystem() })
  expect(found.map(({ availability }) => availability.status)).toEqual(['unavailable', 'unavailable', 'available'])
  expect(found[2]?.availability).toMatchObject({ version: '5.0.2', endpoint: '/usr/bin/lxc-start' })
})

test.each(ENGINE_NAMES)('a %s that hangs is unknown within twice the time limit, and stops nobody else', async (engine) => {
  const beganMs = performance.now()
  const found = await discoverRuntimes({ system: HANGING[engine](createLxcSystem()), timeoutMs: 300 })
  expect(performance.now() - beganMs).toBeLessThan(1500)
  for (const each of found) {
    const expected = each.engine === engine ? 'unknown' : each.engine === 'lxc' ? 'available' : 'unavailable'
    expect(each.availability.status).toBe(expected)
  }
})

test.each(ENGINE_NAMES)('opening a %s that is not there throws its reason, its places and its fix', async (engine) => {
  const error = await toError(openRuntime(engine, { system: createAbsentSystem() }))
  expect(error).toMatchObject({ code: 'ENGINE_UNAVAILABLE', engine, evidence: expect.stringMatching(/.+: .+/u) })
  expect(error.fix?.commands.length).toBeGreaterThan(0)
})

test('opening an engine that is there gives its runtime', async () => {
  expect((await openRuntime('lxc', { system: createLxcSystem() })).engine).toBe('lxc')
})

test('a system that throws is an unknown engine and no crash', async () => {
  const refuse = (): Promise<never> => Promise.reject(new Error('the recording has no such question'))
  const system: System = createAbsentSystem({ findExecutable: refuse })
  for (const { availability } of await discoverRuntimes({ system })) {
    expect(availability).toMatchObject({ status: 'unknown', reason: expect.stringContaining('no such question') })
  }
})

test('what is required picks the engine that has it, and says why', async () => {
  const { runtime, why, capabilities } = await selectRuntime({ system: createLxcSystem(), require: { storage: ['dir'] } })
  expect(runtime.engine).toBe('lxc')
  expect(capabilities.storage.driver).toMatchObject({ status: 'supported', value: 'dir' })
  expect(why.map((line) => line.split(':')[0])).toEqual(['Docker', 'Podman', 'LXC'])
  expect(why.at(-1)).toBe('LXC: fits')
})

test('nothing required picks the first engine that is there', async () => {
  expect((await selectRuntime({ system: createLxcSystem(), require: {} })).runtime.engine).toBe('lxc')
})

test('what no engine has is an error with a line per engine: its reason, and what to do', async () => {
  const error = await toError(selectRuntime({ system: createLxcSystem(), require: { storage: ['btrfs'] } }))
  expect(error.code).toBe('REQUIREMENT_NOT_MET')
  const [, docker, podman, lxc, ...rest] = error.message.split('\n')
  expect(rest).toEqual([])
  expect(docker).toMatch(/^Docker: .+/u)
  expect(podman).toMatch(/^Podman: Podman is not installed/u)
  expect(lxc).toMatch(/^LXC: storage=btrfs: dir is in use; btrfs: .+/u)
})

test('the line of an engine that is not there holds its fix', async () => {
  const error = await toError(selectRuntime({ system: createAbsentSystem(), require: {} }))
  const lines = error.message.split('\n').slice(1)
  expect(lines).toHaveLength(ENGINE_NAMES.length)
  expect(lines.filter((line) => !line.includes('to fix: '))).toEqual([])
})

import { RootlessError } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { runtimeEnvironment, selectRuntime } from '../src/index.ts'
import { createAbsentSystem, createLxcSystem } from './fake-system.ts'

test('LXC has nothing for other tools, and says why for every variable', async () => {
  const { variables, absent, clientSocket, engineSocket } = await runtimeEnvironment('lxc', { system: createLxcSystem() })
  expect({ variables, clientSocket, engineSocket }).toEqual({ variables: [], clientSocket: null, engineSocket: null })
  expect(absent.map(({ name }) => name)).toContain('DOCKER_HOST')
  expect(absent.filter(({ reason }) => !reason.includes('no socket'))).toEqual([])
})

test('an engine that is not there has no environment', async () => {
  await expect(runtimeEnvironment('docker', { system: createAbsentSystem() })).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    engine: 'docker',
  })
})

test('an engine that is too old is not picked, and its line says which it is', async () => {
  const attempt = selectRuntime({ system: createLxcSystem(), engines: ['lxc'], require: { versions: { lxc: '99' } } })
  const error = await attempt.catch((reason: unknown) => reason)
  if (!(error instanceof RootlessError)) throw new Error('it was picked')
  expect(error.code).toBe('REQUIREMENT_NOT_MET')
  expect(error.message).toMatch(/^LXC: versions=lxc>=99: this is \d/mu)
})

test('the last word of the caller counts', async () => {
  const system = createLxcSystem()
  const refused = selectRuntime({ system, engines: ['lxc'], require: {}, accept: async () => 'it has no such image' })
  await expect(refused).rejects.toThrow(/LXC: it has no such image/u)
  const accepted = await selectRuntime({ system, engines: ['lxc'], require: {}, accept: async () => null })
  expect(accepted.why).toEqual(['LXC: fits'])
})

test('engines behind the one that was picked are not asked', async () => {
  const { why } = await selectRuntime({ system: createLxcSystem(), engines: ['lxc', 'podman'], require: {} })
  expect(why).toEqual(['LXC: fits'])
})

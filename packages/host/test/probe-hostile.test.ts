import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostFacts } from '@rootless-runtime/core'
import { hostFactsSchema } from '@rootless-runtime/core/schema'
import { afterAll, describe, expect, test } from 'vitest'
import { createLocalSystem, probeHost } from '../src/index.ts'
import { createSystemAt, listFacts } from './probe-fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'probe-hostile-'))
const temporary = join(folder, 'temporary')
mkdirSync(temporary)
afterAll(() => rmSync(folder, { recursive: true }))

function conditionNames({ conditions }: HostFacts): readonly string[] {
  return conditions.map(({ name }) => name)
}

describe('on a hostile host', () => {
  const real = createLocalSystem()
  const withEnvironment = (XDG_RUNTIME_DIR: string | undefined) =>
    createSystemAt(temporary, { environment: { ...real.environment, XDG_RUNTIME_DIR } })
  const denied = { status: 'denied', reason: 'permission denied' } as const
  const deny = () => Promise.resolve(denied)

  test('a home folder that is not there is unknown space, and nothing else breaks', async () => {
    const host = await probeHost(createSystemAt(temporary, { user: { ...real.user, homeDirectory: join(folder, 'no-home') } }))
    expect(host.home.freeBytes).toMatchObject({ status: 'unknown', reason: expect.stringContaining('does not exist') })
    expect(host.home.fileSystem.status).toBe('unknown')
    expect(host.system.kernelRelease.status).toBe('known')
  })

  test('a home folder that nobody may look at is unknown with that reason', async () => {
    const host = await probeHost(createSystemAt(temporary, { realPath: deny, freeBytes: deny }))
    expect(host.home.freeBytes).toMatchObject({ status: 'unknown', reason: 'permission denied' })
    expect(host.home.fileSystem).toMatchObject({ status: 'unknown', reason: 'permission denied' })
  })

  test.each([
    ['not set', undefined],
    ['set to nothing', ''],
  ])('XDG_RUNTIME_DIR %s is said', async (_, variable) => {
    const host = await probeHost(withEnvironment(variable))
    expect(host.session.runtimeDirectory).toMatchObject({ status: 'known', value: null })
    expect(conditionNames(host)).toContain('runtime-directory-missing')
  })

  test.each([
    ['that is not there', () => join(folder, 'no-runtime'), 'does not exist'],
    ['that is a file', () => writeText(join(folder, 'runtime-file')), 'is a file'],
    ['that this user may not write', () => '/proc/self/fdinfo', 'may not write'],
  ])('a runtime folder %s is a condition with its reason', async (_, toPath, reason) => {
    const path = toPath()
    const system = withEnvironment(path)
    const host = await probeHost({
      ...system,
      // To root every folder is writable.
      status: async (place) => {
        const answer = await system.status(place)
        const readOnly = place === path && place.startsWith('/proc') && answer.status === 'ok'
        return readOnly ? { status: 'ok', value: { ...answer.value, writable: false } } : answer
      },
    })
    expect(host.conditions.find(({ name }) => name === 'runtime-directory-unusable')?.message).toContain(reason)
    expect(conditionNames(host)).not.toContain('runtime-directory-missing')
  })

  test('a runtime folder that works is no condition', async () => {
    expect(conditionNames(await probeHost(withEnvironment(temporary))).filter((name) => name.startsWith('runtime'))).toEqual([])
  })

  test.each([
    ['no files', { status: 'absent', reason: 'does not exist' } as const, 'known'],
    ['files without this user', { status: 'ok', value: 'other:100000:65536\n' } as const, 'known'],
    ['files that nobody may read', denied, 'unknown'],
  ])('subordinate ids: %s', async (_, answer, status) => {
    const host = await probeHost(
      createSystemAt(temporary, {
        user: { ...real.user, uid: 4321, name: 'nobody-here' },
        readText: (path, options) => (path.startsWith('/etc/sub') ? Promise.resolve(answer) : real.readText(path, options)),
      }),
    )
    expect(host.userNamespace.subordinateUserIds.status).toBe(status)
    expect(conditionNames(host).includes('no-subordinate-ids')).toBe(status === 'known')
  })

  test('nothing that can be read or run is unknown everywhere, never "no"', async () => {
    const refuse = { ...denied, stdout: '', stderr: '' }
    const host = await probeHost({
      environment: {},
      user: { uid: 1000, gid: 1000, name: 'moby', homeDirectory: '/home/moby' },
      readText: deny,
      listDirectory: deny,
      status: deny,
      realPath: deny,
      freeBytes: deny,
      findExecutable: deny,
      connect: deny,
      run: () => Promise.resolve({ ...refuse, status: 'failed' }),
    })
    const known = listFacts(host).filter(({ status }) => status === 'known')
    expect(known.map(({ path }) => path)).toEqual(['host.session.runtimeDirectory'])
    expect(conditionNames(host)).toEqual(['runtime-directory-missing'])
    expect(hostFactsSchema.parse(host)).toStrictEqual(host)
  })
})

function writeText(path: string): string {
  writeFileSync(path, 'text')
  return path
}

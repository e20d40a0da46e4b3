import { known, unknownFact } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { findFreeRangeStart } from '../src/setup/accounts.ts'
import { toMissingPackages } from '../src/setup/engine-needs.ts'
import { planSetup } from '../src/setup/plan-setup.ts'
import type { SetupStepId } from '../src/setup/setup-plan.ts'
import type { SetupState } from '../src/setup/setup-state.ts'
import { SUPERVISOR_SCRIPT } from '../src/setup/supervisor-script.ts'
import { BARE, READY, findStep, withUser } from './setup-fixtures.ts'

const cases: readonly (readonly [string, SetupState, SetupStepId, 'done' | 'needed' | 'manual'])[] = [
  [
    'a tun device that root alone may open',
    { ...READY, devices: { ...READY.devices, '/dev/net/tun': known(0o660, 't') } },
    'devices',
    'needed',
  ],
  ['no tun device', { ...READY, devices: { ...READY.devices, '/dev/net/tun': known(null, 't') } }, 'devices', 'manual'],
  [
    'no fuse device, which overlayfs does not need',
    { ...READY, devices: { ...READY.devices, '/dev/fuse': known(null, 'f') } },
    'devices',
    'done',
  ],
  ['a ping range without the group', { ...READY, pingRange: known({ first: 0, last: 999 }, 'p') }, 'ping-range', 'needed'],
  ['a ping range that ends at the group', { ...READY, pingRange: known({ first: 1000, last: 1000 }, 'p') }, 'ping-range', 'done'],
  ['a range that could not be read', { ...READY, pingRange: unknownFact('denied', 'p') }, 'ping-range', 'manual'],
  ['a home folder that is closed', withUser({ homeMode: known(0o700, 'h') }), 'passable-home', 'needed'],
  ['a home folder that is gone', withUser({ homeMode: known(null, 'h') }), 'passable-home', 'manual'],
  ['a runtime folder that is absent', withUser({ runtimeDirectory: known('absent', 'r') }), 'runtime-directory', 'needed'],
  ['a runtime folder that others may open', withUser({ runtimeDirectory: known('open', 'r') }), 'runtime-directory', 'needed'],
  ['a runtime folder of somebody else', withUser({ runtimeDirectory: known('foreign', 'r') }), 'runtime-directory', 'manual'],
  ['a usernet line for another bridge', { ...READY, lxcUsernet: known('moby veth br0 10', 'u') }, 'lxc-usernet', 'needed'],
  ['a usernet line that grants nothing', { ...READY, lxcUsernet: known('moby veth lxcbr0 0', 'u') }, 'lxc-usernet', 'needed'],
  ['a usernet line in a comment', { ...READY, lxcUsernet: known('#moby veth lxcbr0 10', 'u') }, 'lxc-usernet', 'needed'],
  [
    'a containers.conf of the user without a runtime',
    withUser({ containersConf: known('[engine]\n#runtime = "runc"', 'c') }),
    'containers-conf',
    'manual',
  ],
  [
    'a runtime in another table',
    withUser({ containersConf: known('[machine]\nruntime = "x"', 'c') }),
    'containers-conf',
    'manual',
  ],
  [
    'a containers.conf that chooses crun',
    withUser({ containersConf: known('[engine]\nruntime="crun"', 'c') }),
    'containers-conf',
    'done',
  ],
  ['no containers.conf', withUser({ containersConf: known(null, 'c') }), 'containers-conf', 'needed'],
  [
    'a containers.conf that could not be read',
    withUser({ containersConf: unknownFact('denied', 'c') }),
    'containers-conf',
    'manual',
  ],
  ['no storage.conf and a store', withUser({ storageConf: known(null, 's') }), 'storage-conf', 'done'],
  ['no storage.conf and no store', withUser({ storageConf: known(null, 's'), podmanStorage: false }), 'storage-conf', 'needed'],
  [
    'an LXC default.conf without id map',
    withUser({ lxcDefaultConf: known('lxc.net.0.type = veth', 'l') }),
    'lxc-default-conf',
    'manual',
  ],
  [
    'an LXC default.conf that maps users only',
    withUser({ lxcDefaultConf: known('lxc.idmap = u 0 1 2', 'l') }),
    'lxc-default-conf',
    'manual',
  ],
  ['a dead Docker', withUser({ docker: 'none' }), 'docker-service', 'needed'],
  ['Podman behind docker.sock', withUser({ docker: 'other-engine' }), 'docker-service', 'manual'],
  [
    'a dead Docker and no tun device',
    { ...withUser({ docker: 'none' }), devices: { ...READY.devices, '/dev/net/tun': known(null, 't') } },
    'docker-service',
    'manual',
  ],
  ['unknown packages on Debian', { ...READY, packages: unknownFact('denied', 'dpkg-query') }, 'packages', 'manual'],
  [
    'a user that could not be looked up',
    { ...READY, accounts: { ...READY.accounts, target: unknownFact('timed out', 'getent') }, user: null },
    'docker-service',
    'manual',
  ],
]

test.each(cases)('%s', (_, state, id, expected) => {
  const step = findStep(planSetup(state), id)
  expect(step.state).toBe(expected)
  expect(step.byHand !== undefined).toBe(expected === 'manual')
  expect(step.actions.length > 0 || expected !== 'needed').toBe(true)
})

const DEBIAN_12 = { distribution: { id: 'debian', idLike: [], versionId: '12', prettyName: '' }, systemd: true, cgroupV1: false }

describe('packages', () => {
  test.each([
    ['debian', '11', ['netavark', 'passt', 'docker-cli'], ['podman']],
    ['debian', '12', ['docker-cli'], ['netavark', 'passt']],
    ['debian', '13', [], ['docker-cli', 'netavark']],
    ['debian', '', [], ['docker-cli', 'netavark']],
    ['ubuntu', '22.04', ['netavark', 'passt', 'docker-cli'], ['podman']],
    ['ubuntu', '24.04', ['docker-cli'], ['netavark', 'passt']],
    ['linuxmint', '22', ['docker-cli'], ['netavark', 'passt']],
  ])('of %s %s', (id, versionId, without, including) => {
    const host = { distribution: { id, idLike: [], versionId, prettyName: '' }, systemd: false, cgroupV1: true }
    const missing = toMissingPackages(['docker', 'podman', 'lxc'], new Set(), host)
    expect(missing.filter((name) => without.includes(name))).toEqual([])
    expect(missing).toEqual(expect.arrayContaining(including))
    expect(new Set(missing).size).toBe(missing.length)
  })

  test("Docker's own packages are kept and completed from their own repository", () => {
    const installed = new Set(['docker-ce', 'docker-ce-cli', 'containerd.io'])
    const missing = toMissingPackages(['docker', 'podman'], installed, DEBIAN_12)
    expect(missing).toContain('docker-ce-rootless-extras')
    expect(missing.filter((name) => ['docker.io', 'docker-cli', 'rootlesskit', 'runc'].includes(name))).toEqual([])
  })

  test('are never installed at the price of another one', () => {
    const actions = findStep(planSetup(BARE), 'packages').actions
    expect(actions).toContainEqual(
      expect.objectContaining({ command: expect.arrayContaining(['install', '--no-remove', '--no-install-recommends']) }),
    )
  })
})

function toDockerActions(text: string): readonly string[] {
  return findStep(planSetup(withUser({ docker: 'none', supervisorScript: known(text, 's') })), 'docker-service').actions.map(
    ({ kind }) => kind,
  )
}

test('an old supervisor script is written anew, the present one is not', () => {
  expect(toDockerActions('# old')).toEqual(['write-file', 'run', 'wait-for-docker'])
  expect(toDockerActions(SUPERVISOR_SCRIPT)).toEqual(['run', 'wait-for-docker'])
})

test.each([
  [[], 100_000],
  [[[100_000, 65_536]], 165_536],
  [[[165_536, 65_536]], 100_000],
  [[[150_000, 10]], 150_010],
  [
    [
      [100_000, 65_536],
      [300_000, 65_536],
    ],
    165_536,
  ],
  [[[0, 600_100_000]], undefined],
  [[[100_000, 4_294_967_295]], undefined],
] as const)('beside the ranges %j a free one starts at %j', (ranges, start) => {
  expect(findFreeRangeStart(ranges.map(([first, count]) => ({ who: 'a', start: first, count })))).toBe(start)
})

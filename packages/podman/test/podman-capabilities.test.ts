import { readFileSync } from 'node:fs'
import { parseRecording } from '@rootless-runtime/conformance'
import { known, unknownFact, type HostFacts } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { toPodmanCapabilities } from '../src/podman-capabilities.ts'
import type { PodmanFacts } from '../src/podman-facts.ts'
import type { PodmanInfo } from '../src/podman-info.ts'

const path = new URL('../recordings/podman-4.3.1-debian-12-hybrid.json', import.meta.url)
const HYBRID: HostFacts = parseRecording(readFileSync(path, 'utf8')).hostFacts

/** The same machine booted with cgroup v2 and systemd, as a Debian 13 is. */
const V2: HostFacts = {
  ...HYBRID,
  cgroup: {
    ...HYBRID.cgroup,
    layout: known('v2', '/proc/self/mountinfo'),
    delegatedControllers: known(['memory', 'pids'], 'cgroup.controllers'),
  },
  session: {
    ...HYBRID.session,
    systemd: known(true, '/proc/1/comm'),
    userManager: known(true, '/run/user/1001/systemd/private'),
  },
}

const INFO: PodmanInfo = {
  version: '5.4.2',
  rootless: true,
  remote: false,
  cgroupVersion: 'v2',
  cgroupManager: 'systemd',
  cgroupControllers: ['memory', 'pids'],
  networkCommand: 'pasta',
  ociRuntime: 'crun',
  ociRuntimeVersion: '1.21',
  graphDriver: 'overlay',
  graphRoot: '/home/moby/.local/share/containers/storage',
  mountProgram: false,
}

function judge(change: Partial<PodmanInfo>, host: HostFacts = V2, facts: Partial<PodmanFacts> = {}) {
  const mount = known({ mountPoint: '/', type: 'ext4', options: ['rw'], superOptions: ['rw'] }, 'mountinfo')
  const hybridControllers = known<readonly string[]>([], 'cgroup.controllers')
  const ioWeightRefusal = known(null, 'crun 1.21')
  return toPodmanCapabilities({ info: { ...INFO, ...change }, mount, hybridControllers, ioWeightRefusal, ...facts }, host)
}

test.each<[string, Partial<PodmanInfo>, object]>([
  ['pasta is the default of 5.x', {}, { status: 'supported', value: 'pasta' }],
  ['containers.conf may say slirp4netns', { networkCommand: 'slirp4netns' }, { status: 'supported', value: 'slirp4netns' }],
  [
    '4.x reports none and has slirp4netns',
    { version: '4.3.1', networkCommand: undefined },
    { status: 'supported', value: 'slirp4netns' },
  ],
  ['5.x that reports none is unknown, and no pasta', { networkCommand: undefined }, { status: 'unknown' }],
  [
    'a word that nobody knows',
    { networkCommand: 'passt-ng' },
    { status: 'unknown', reason: expect.stringContaining('passt-ng') },
  ],
  ['slirp4netns of 6.0 is gone', { version: '6.0.1', networkCommand: 'slirp4netns' }, { status: 'unsupported' }],
])('networking: %s', (_, change, expected) => {
  expect(judge(change).networking.driver).toMatchObject(expected)
})

test('pasta keeps the address of a caller; rootlessport does not', () => {
  expect(judge({}).networking.properties['source-address'].status).toBe('supported')
  expect(judge({ networkCommand: 'slirp4netns' }).networking.properties['source-address'].status).toBe('unsupported')
})

test('a network whose device is closed does not work, and says how to open it', () => {
  const closed = known({ present: true, mode: '0600', accessible: false } as const, '/dev/net/tun')
  const { networking } = judge({}, { ...V2, devices: { ...V2.devices, '/dev/net/tun': closed } })
  expect(networking.driver).toMatchObject({ status: 'unsupported', fix: { commands: [['chmod', '666', '/dev/net/tun']] } })
  expect(networking.properties.publish.status).toBe('unknown')
})

test.each<[string, Partial<PodmanInfo>, object]>([
  ["the kernel's overlay", {}, { status: 'supported', value: 'overlay' }],
  ['an overlay by a program is fuse-overlayfs', { mountProgram: true }, { status: 'supported', value: 'fuse-overlayfs' }],
  ['vfs', { graphDriver: 'vfs' }, { status: 'supported', value: 'vfs' }],
  ['a word that nobody knows', { graphDriver: 'zfs' }, { status: 'unknown', reason: expect.stringContaining('zfs') }],
])('storage: %s', (_, change, expected) => {
  expect(judge(change).storage.driver).toMatchObject(expected)
})

test('vfs copies its layers', () => {
  expect(judge({ graphDriver: 'vfs' }).storage.layers).toMatchObject({ value: 'copied' })
})

test('on v2 the limits are those of the controllers that Podman names', () => {
  const { limits, version, manager } = judge({}).cgroup
  expect({ version, manager }).toMatchObject({ version: { value: 'v2' }, manager: { value: 'systemd' } })
  expect(Object.fromEntries(Object.entries(limits).map(([name, { status }]) => [name, status]))).toEqual({
    memory: 'supported',
    cpu: 'unsupported',
    pids: 'supported',
    io: 'unsupported',
    cpuset: 'unsupported',
  })
  expect(limits.cpu).toMatchObject({ fix: { commands: [['rootless', 'setup']] } })
})

test('v2 alone promises nothing: with no controllers nothing is applied', () => {
  expect(judge({ cgroupControllers: ['hugetlb'] }).cgroup.limits.memory.status).toBe('unsupported')
})

test('Podman 3.0 reports no controllers: on v2 those of the user count, and nobody knows them when the host did not say', () => {
  const { controllers, limits } = judge({ version: '3.0.1', networkCommand: undefined, cgroupControllers: undefined }).cgroup
  expect(controllers).toEqual({ status: 'supported', value: ['memory', 'pids'], evidence: 'cgroup.controllers' })
  expect([limits.memory.status, limits.cpu.status]).toEqual(['supported', 'unsupported'])
  const hidden = { ...V2, cgroup: { ...V2.cgroup, delegatedControllers: unknownFact('permission denied', 'cgroup.controllers') } }
  expect(judge({ cgroupControllers: undefined }, hidden).cgroup.limits.memory.status).toBe('unknown')
})

test.each([
  ['v1', { status: 'supported', value: [] }],
  ['v3', { status: 'unknown', reason: expect.stringContaining('not reported') }],
])('controllers that Podman does not report, on cgroup %s', (cgroupVersion, expected) => {
  expect(judge({ cgroupControllers: undefined, cgroupVersion }, HYBRID).cgroup.controllers).toMatchObject(expected)
})

test('a runtime that refuses a weight of io is no limit on io; a controller that is not there comes first', () => {
  const facts = { ioWeightRefusal: known('crun 0.17 knows BFQ alone', 'io.bfq.weight') }
  const limit = (cgroupControllers: readonly string[]) => judge({ cgroupControllers }, V2, facts).cgroup.limits.io
  expect(limit(['io'])).toMatchObject({ status: 'unsupported', reason: 'crun 0.17 knows BFQ alone' })
  expect(limit(['memory'])).toMatchObject({ status: 'unsupported', reason: expect.stringContaining('not delegated') })
  expect(judge({ cgroupControllers: ['io'] }).cgroup.limits.io.status).toBe('supported')
})

test('without systemd there is no fix that could delegate', () => {
  const host = { ...V2, session: { ...V2.session, systemd: known(false, '/proc/1/comm') } }
  expect(judge({}, host).cgroup.limits.cpu).not.toHaveProperty('fix')
})

test('on v1 the manager that Podman names makes nothing', () => {
  const { cgroup } = judge({ cgroupVersion: 'v1', cgroupManager: 'cgroupfs', cgroupControllers: [], ociRuntime: 'runc' }, HYBRID)
  expect(cgroup.manager).toMatchObject({ status: 'supported', value: 'none' })
  expect(cgroup.limits.memory).toMatchObject({ status: 'unsupported', reason: expect.stringContaining('ignores') })
})

test('crun on hybrid cgroups starts no container; on a hybrid host whose cgroup2 is empty it does', () => {
  const v1: Partial<PodmanInfo> = { cgroupVersion: 'v1', cgroupControllers: [] }
  const full = { hybridControllers: known(['hugetlb'], 'cgroup.controllers') }
  expect(judge(v1, HYBRID, full).cgroup.version).toMatchObject({ status: 'unsupported', fix: { needsRoot: true } })
  expect(judge(v1, HYBRID).cgroup.version).toMatchObject({ status: 'supported', value: 'hybrid' })
  const unread = judge(v1, HYBRID, { hybridControllers: unknownFact('denied', 'cgroup.controllers') }).cgroup
  expect([unread.version.status, unread.versions.hybrid.status]).toEqual(['unknown', 'unknown'])
})

test('a layout that nobody could read leaves v1 or hybrid open', () => {
  const host = { ...HYBRID, cgroup: { ...HYBRID.cgroup, layout: unknownFact('denied', '/proc/self/mountinfo') } }
  expect(judge({ cgroupVersion: 'v1' }, host).cgroup.version.status).toBe('unknown')
})

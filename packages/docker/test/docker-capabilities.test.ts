import { readFileSync } from 'node:fs'
import { parseRecording } from '@rootless-runtime/conformance'
import { known, unknownFact, type HostFacts } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { toDockerCapabilities } from '../src/docker-capabilities.ts'
import type { DockerFacts } from '../src/docker-facts.ts'
import type { DockerInfo } from '../src/docker-info.ts'
import type { RootlessKitFacts } from '../src/rootlesskit-facts.ts'
import { parseVpnkitAnswer } from '../src/rootlesskit-vpnkit.ts'

const path = new URL('../recordings/docker-20.10.24+dfsg1-debian-12-hybrid.json', import.meta.url)
const HYBRID: HostFacts = parseRecording(readFileSync(path, 'utf8')).hostFacts

/** The same machine booted with cgroup v2 and systemd, which delegates memory, pids and cpu. */
const V2: HostFacts = {
  ...HYBRID,
  cgroup: {
    ...HYBRID.cgroup,
    layout: known('v2', '/proc/self/mountinfo'),
    delegatedControllers: known(['memory', 'pids', 'cpu'], 'cgroup.controllers'),
  },
  session: { ...HYBRID.session, systemd: known(true, '/proc/1/comm'), userManager: known(true, 'systemd/private') },
}

// GET /info of 20.10 on such a machine, as it warns.
const INFO: DockerInfo = {
  version: '20.10.24+dfsg1',
  rootless: true,
  driver: 'overlay2',
  rootDirectory: '/home/moby/.local/share/docker',
  cgroupDriver: 'systemd',
  cgroupVersion: '2',
  applies: { memory: true, cpu: true, pids: true, cpuset: false },
  warnings: ['WARNING: No cpuset support', 'WARNING: No io.max (rbps) support'],
  runc: '1.1.5+ds1-1+deb12u1',
}

const KIT: RootlessKitFacts = { version: '2.0.2', networkDriver: 'slirp4netns', portDriver: 'builtin', arguments: null }

function judge(
  change: Partial<DockerInfo>,
  host: HostFacts = V2,
  kit: Partial<RootlessKitFacts> = {},
  facts: Partial<DockerFacts> = {},
) {
  return toDockerCapabilities(
    {
      info: { ...INFO, ...change },
      rootlessKit: known({ ...KIT, ...kit }, 'GET /version: rootlesskit'),
      vpnkitDriver: known({ builtIn: false, reason: 'not supported in this Debian package' }, 'rootlesskit --net=vpnkit'),
      bridgeMtuBytes: known(1500, 'GET /networks/bridge'),
      mount: known({ mountPoint: '/', type: 'ext4', options: ['rw'], superOptions: ['rw'] }, 'mountinfo'),
      lxcBridgePresent: known(true, '/sys/class/net/lxcbr0'),
      ioWeightRefusal: known(null, 'runc 1.1.5'),
      ...facts,
    },
    host,
  )
}

test.each<[string, Partial<RootlessKitFacts>, object, object]>([
  ['slirp4netns and builtin', {}, { value: 'slirp4netns' }, { value: 'builtin' }],
  [
    'pasta names no port driver; its arguments do',
    { networkDriver: 'pasta', portDriver: null, arguments: { net: 'pasta', portDriver: 'implicit', mtuBytes: 65_520 } },
    { value: 'pasta' },
    { value: 'implicit' },
  ],
  [
    'pasta without its arguments leaves the port driver open',
    { networkDriver: 'pasta', portDriver: null },
    { value: 'pasta' },
    { status: 'unknown' },
  ],
  ['no network of its own', { networkDriver: null, portDriver: null }, { status: 'unsupported' }, { status: 'unknown' }],
  [
    'words that nobody knows',
    { networkDriver: 'warp', portDriver: 'drive' },
    { status: 'unknown', reason: expect.stringContaining('warp') },
    { status: 'unknown', reason: expect.stringContaining('drive') },
  ],
])('networking: %s', (_, kit, driver, portDriver) => {
  const { networking } = judge({}, V2, kit)
  expect(networking).toMatchObject({ driver, portDriver })
})

test('a RootlessKit that could not be asked leaves the network unknown, and the rest as it is', () => {
  const { networking, storage } = judge({}, V2, {}, { rootlessKit: unknownFact('no docker.pid', 'docker.pid') })
  expect(networking.driver).toEqual({ status: 'unknown', reason: 'no docker.pid' })
  expect(networking.properties.publish.status).toBe('unknown')
  expect(storage.driver.status).toBe('supported')
})

test.each<[string, DockerFacts['vpnkitDriver'], object]>([
  [
    'a RootlessKit without it, in its words',
    parseVpnkitAnswer('[rootlesskit:parent] error: not supported in this Debian package\n'),
    { status: 'unsupported', reason: expect.stringContaining('not supported in this Debian package') },
  ],
  [
    'a RootlessKit that does not know it',
    parseVpnkitAnswer('[rootlesskit:parent] error: unknown network mode: vpnkit\n'),
    { status: 'unsupported', reason: expect.stringContaining('unknown network mode') },
  ],
  [
    'a RootlessKit with it, and no VPNKit on the host',
    parseVpnkitAnswer(
      '[rootlesskit:parent] error: exec: "/nonexistent/vpnkit": stat /nonexistent/vpnkit: no such file or directory\n',
    ),
    { status: 'unsupported', reason: 'vpnkit is not installed' },
  ],
  [
    'other words',
    parseVpnkitAnswer('segmentation fault'),
    { status: 'unknown', reason: expect.stringContaining('segmentation') },
  ],
  ['silence', parseVpnkitAnswer(''), { status: 'unknown', reason: expect.stringContaining('nothing') }],
])('VPNKit: %s', (_, vpnkitDriver, expected) => {
  expect(judge({}, V2, {}, { vpnkitDriver }).networking.drivers.vpnkit).toMatchObject(expected)
})

test('VPNKit is available where RootlessKit has its driver and the host has the program', () => {
  const tool = known({ present: true, path: '/usr/bin/vpnkit', version: null, privilege: 'none' } as const, '/usr/bin/vpnkit')
  const host = { ...V2, tools: { ...V2.tools, vpnkit: tool } }
  const vpnkitDriver = known({ builtIn: true } as const, 'rootlesskit --net=vpnkit')
  expect(judge({}, host, {}, { vpnkitDriver }).networking.drivers.vpnkit).toMatchObject({ value: 'available' })
})

test('the MTU is that of the bridge, with a word about the wider one around it', () => {
  const around = { arguments: { net: 'slirp4netns', portDriver: 'builtin', mtuBytes: 65_520 } }
  expect(judge({}, V2, around).networking.mtuBytes).toMatchObject({ value: 1500, note: expect.stringContaining('65520') })
})

test.each([
  ['builtin', 'unsupported', 'supported'],
  ['slirp4netns', 'supported', 'unsupported'],
  ['implicit', 'supported', 'unsupported'],
  ['none', 'unsupported', 'unsupported'],
])('the port driver %s: source address %s, IPv6 %s', (portDriver, source, ipv6) => {
  const { properties } = judge({}, V2, { portDriver }).networking
  expect([properties['source-address'].status, properties.ipv6.status]).toEqual([source, ipv6])
})

test.each<[string, string, object]>([
  ['overlay2', 'overlay2', { status: 'supported', value: 'overlay' }],
  ['the containerd image store', 'overlayfs', { status: 'supported', value: 'overlay' }],
  ['fuse-overlayfs', 'fuse-overlayfs', { status: 'supported', value: 'fuse-overlayfs' }],
  ['vfs', 'vfs', { status: 'supported', value: 'vfs' }],
  ['a word that nobody knows', 'zfs', { status: 'unknown', reason: expect.stringContaining('zfs') }],
])('storage: %s', (_, driver, expected) => {
  expect(judge({ driver }).storage.driver).toMatchObject(expected)
})

test('fuse-overlayfs with a closed /dev/fuse is named by Docker and runs nothing', () => {
  const closed = known({ present: true, mode: '0600', accessible: false } as const, '/dev/fuse')
  const { storage } = judge({ driver: 'fuse-overlayfs' }, { ...V2, devices: { ...V2.devices, '/dev/fuse': closed } })
  expect(storage.driver).toMatchObject({ status: 'unsupported', fix: { commands: [['chmod', '666', '/dev/fuse']] } })
})

test('with systemd the limits are those that Docker names; io by its warnings', () => {
  const { limits, manager, version } = judge({}).cgroup
  expect({ manager, version }).toMatchObject({ manager: { value: 'systemd' }, version: { value: 'v2' } })
  expect(Object.fromEntries(Object.entries(limits).map(([name, { status }]) => [name, status]))).toEqual({
    memory: 'supported',
    cpu: 'supported',
    pids: 'supported',
    io: 'unsupported',
    cpuset: 'unsupported',
  })
  expect(limits.cpuset).toMatchObject({ fix: { commands: [['rootless', 'setup']] } })
})

test.each<[string, Partial<DockerInfo>, HostFacts, object]>([
  [
    'taken away since Docker started',
    {},
    delegating('pids'),
    {
      status: 'unsupported',
      reason: expect.stringContaining('not delegated any more'),
      fix: { commands: [['rootless', 'setup']] },
    },
  ],
  [
    'delegated since Docker started',
    { applies: { memory: false, cpu: true, pids: true, cpuset: false } },
    delegating('memory', 'pids', 'cpu'),
    { status: 'unsupported', reason: expect.stringContaining('after Docker started'), fix: { needsRoot: false } },
  ],
  ['a cgroupfs driver, whose groups may lie elsewhere', { cgroupDriver: 'cgroupfs' }, delegating(), { status: 'supported' }],
])('the memory controller %s', (_, change, host, expected) => {
  expect(judge(change, host).cgroup.limits.memory).toMatchObject(expected)
})

function delegating(...controllers: readonly string[]): HostFacts {
  return { ...V2, cgroup: { ...V2.cgroup, delegatedControllers: known(controllers, 'cgroup.controllers') } }
}

test('io without a warning is applied only when its controller is delegated', () => {
  expect(judge({ warnings: [] }).cgroup.limits.io.status).toBe('unsupported')
  const delegated = { ...V2, cgroup: { ...V2.cgroup, delegatedControllers: known(['io'], 'cgroup.controllers') } }
  expect(judge({ warnings: [] }, delegated).cgroup.limits.io.status).toBe('supported')
  const old = { ioWeightRefusal: known('runc 1.0.0~rc93 knows BFQ alone', 'io.bfq.weight') }
  expect(judge({ warnings: [] }, delegated, {}, old).cgroup.limits.io).toMatchObject({
    status: 'unsupported',
    reason: expect.stringContaining('rc93'),
  })
})

test('the cgroup driver none applies nothing, whatever the flags say', () => {
  const { limits, controllers } = judge({ cgroupDriver: 'none', cgroupVersion: '1' }, HYBRID).cgroup
  expect(new Set(Object.values(limits).map(({ status }) => status))).toEqual(new Set(['unsupported']))
  expect(controllers).toMatchObject({ value: [] })
})

test.each([
  [undefined, V2, 'unknown'],
  ['3', V2, 'unknown'],
  ['1', V2, 'unknown'],
  ['1', HYBRID, 'supported'],
])('CgroupVersion %s is %s on its host', (cgroupVersion, host, status) => {
  expect(judge({ cgroupVersion }, host).cgroup.version.status).toBe(status)
})

import { readFileSync } from 'node:fs'
import { parseRecording } from '@rootless-runtime/conformance'
import { known, unknownFact, type HostFacts } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { toLxcCapabilities } from '../src/lxc-capabilities.ts'
import type { IdMap, LxcNetwork } from '../src/lxc-config.ts'
import type { LxcFacts } from '../src/lxc-facts.ts'

const path = new URL('../recordings/lxc-5.0.2-debian-12-hybrid.json', import.meta.url)
const HYBRID: HostFacts = parseRecording(readFileSync(path, 'utf8')).hostFacts

/** The same user after a login: libpam-cgfs has given groups of freezer and memory. */
const LOGIN: HostFacts = {
  ...HYBRID,
  cgroup: {
    ...HYBRID.cgroup,
    delegatedControllers: known(['freezer', 'memory'], '/proc/self/cgroup'),
    pamCgfs: known({ enabled: true, controllers: ['freezer', 'memory', 'name=systemd'] }, '/etc/pam.d/common-session'),
  },
}

const V2: HostFacts = {
  ...HYBRID,
  cgroup: {
    ...HYBRID.cgroup,
    layout: known('v2', '/proc/self/mountinfo'),
    delegatedControllers: known(['memory', 'pids', 'cpu'], 'cgroup.controllers'),
  },
  session: { ...HYBRID.session, systemd: known(true, '/proc/1/comm'), userManager: known(true, 'systemd/private') },
}

const MAPS: readonly IdMap[] = [
  { kind: 'u', inside: 0, outside: 100_000, count: 65_536 },
  { kind: 'g', inside: 0, outside: 100_000, count: 65_536 },
]
const VETH: LxcNetwork = { type: 'veth', link: 'lxcbr0', mtuBytes: null }

interface Change {
  readonly network?: LxcNetwork | null
  readonly idMaps?: readonly IdMap[]
  readonly facts?: Partial<LxcFacts>
}

function judge({ network = VETH, idMaps = MAPS, facts = {} }: Change, host: HostFacts = HYBRID) {
  return toLxcCapabilities(
    {
      version: '5.0.2',
      linksSystemd: known(false, 'ldd /usr/bin/lxc-start'),
      lxcPath: known(`${HYBRID.user.homeDirectory}/.local/share/lxc`, 'lxc-config lxc.lxcpath'),
      config: { path: '/default.conf', idMaps, network, appArmorProfile: null },
      mount: known({ mountPoint: '/', type: 'ext4', options: ['rw'], superOptions: ['rw'] }, 'mountinfo'),
      bridgePresent: known(true, '/sys/class/net/lxcbr0'),
      bridgeMtuBytes: known(1500, '/sys/class/net/lxcbr0/mtu'),
      ...facts,
    },
    host,
  )
}

/** Where the asking process is, on a host with v2 and a systemd of the user. */
function at(ownPath: string, userManager = true): HostFacts {
  return {
    ...V2,
    cgroup: { ...V2.cgroup, ownPath: known(ownPath, '/proc/self/cgroup') },
    session: { ...V2.session, userManager: known(userManager, 'systemd/private') },
  }
}

const SESSION = '/user.slice/user-1000.slice/session-3.scope'
const SCOPE = `/user.slice/user-${HYBRID.user.uid}.slice/user@${HYBRID.user.uid}.service/app.slice/run-1.scope`
const BY_SCOPE = expect.stringMatching(/only by systemd-run --user --scope.*silently/u)

test.each<[string, HostFacts, LxcFacts['linksSystemd'], string | undefined]>([
  ['a login, and a liblxc without systemd', at(SESSION), known(false, 'ldd'), BY_SCOPE],
  ['a login, and a liblxc that nobody could ask', at(SESSION), unknownFact('no ldd', 'ldd'), BY_SCOPE],
  ['a login, and a liblxc that asks systemd itself', at(SESSION), known(true, 'ldd'), undefined],
  ['a scope of the user, and a liblxc without systemd', at(SCOPE), known(false, 'ldd'), undefined],
])('limits on v2 from %s', (_, host, linksSystemd, note) => {
  const { memory } = judge({ facts: { linksSystemd } }, host).cgroup.limits
  expect(memory).toEqual({
    status: 'supported',
    value: true,
    evidence: 'cgroup.controllers',
    ...(note === undefined ? {} : { note }),
  })
})

test.each<[string, LxcNetwork | null, object]>([
  ['a veth is made by lxc-user-nic', VETH, { status: 'supported', value: 'lxc-user-nic' }],
  ['no network is none', null, { status: 'supported', value: 'none' }],
  ['empty is none', { type: 'empty', link: null, mtuBytes: null }, { status: 'supported', value: 'none' }],
  ['none is the network of the host', { type: 'none', link: null, mtuBytes: null }, { status: 'supported', value: 'host' }],
  ['macvlan needs privilege', { type: 'macvlan', link: 'eth0', mtuBytes: null }, { status: 'unsupported' }],
  ['a veth without a link is refused', { type: 'veth', link: null, mtuBytes: null }, { status: 'unsupported' }],
  [
    'a word that nobody knows',
    { type: 'warp', link: null, mtuBytes: null },
    { status: 'unknown', reason: expect.stringContaining('warp') },
  ],
])('networking: %s', (_, network, expected) => {
  expect(judge({ network }).networking.driver).toMatchObject(expected)
})

test.each<[string, Partial<HostFacts>, Partial<LxcFacts>, string]>([
  [
    'without a line for this user',
    { lxcUsernet: known([], '/etc/lxc/lxc-usernet') },
    {},
    'no line "rootless veth lxcbr0 COUNT" in /etc/lxc/lxc-usernet',
  ],
  ['without the bridge', {}, { bridgePresent: known(false, '/sys/class/net/lxcbr0') }, 'the bridge lxcbr0 does not exist'],
  [
    'without lxc-user-nic',
    { tools: { ...HYBRID.tools, 'lxc-user-nic': known({ present: false }, 'looked') } },
    {},
    'lxc-user-nic is not installed',
  ],
])('a veth %s does not work', (_, host, facts, reason) => {
  expect(judge({ facts }, { ...HYBRID, ...host }).networking.driver).toMatchObject({ status: 'unsupported', reason })
})

test('a line for a group is unknown: nobody looked who is in it', () => {
  const lxcUsernet = known([{ who: '@lxc', type: 'veth', bridge: 'lxcbr0', count: 10 }], '/etc/lxc/lxc-usernet')
  expect(judge({}, { ...HYBRID, lxcUsernet }).networking.driver.status).toBe('unknown')
})

test('the MTU is that of the configuration before that of the bridge', () => {
  expect(judge({ network: { ...VETH, mtuBytes: 9000 } }).networking.mtuBytes).toMatchObject({ value: 9000 })
  expect(judge({}).networking.mtuBytes).toMatchObject({ value: 1500 })
})

test('ids that are not this user’s cannot be mapped, and no container can be made', () => {
  const foreign: readonly IdMap[] = [{ kind: 'u', inside: 0, outside: 300_000, count: 65_536 }]
  expect(judge({ idMaps: foreign }).storage.driver).toMatchObject({
    status: 'unsupported',
    reason: expect.stringContaining('newuidmap refuses'),
  })
  const tooLong: readonly IdMap[] = [{ kind: 'u', inside: 0, outside: 100_000, count: 70_000 }]
  expect(judge({ idMaps: tooLong }).storage.driver.status).toBe('unsupported')
})

test('a home that others cannot pass through keeps the mapped root out', () => {
  const host = { ...HYBRID, home: { ...HYBRID.home, passableByOthers: known(false, '/home') } }
  expect(judge({}, host).storage.driver).toMatchObject({
    fix: { commands: [['chmod', 'o+x', HYBRID.user.homeDirectory]], needsRoot: false },
  })
})

test('btrfs can be chosen where its subvolumes may be removed by their owner', () => {
  const btrfs = (options: readonly string[]) =>
    known({ mountPoint: '/home', type: 'btrfs', options, superOptions: [] }, 'mountinfo')
  expect(judge({ facts: { mount: btrfs(['user_subvol_rm_allowed']) } }).storage.drivers.btrfs.status).toBe('supported')
  expect(judge({ facts: { mount: btrfs([]) } }).storage.drivers.btrfs.status).toBe('unsupported')
})

test.each<[string, HostFacts, string, readonly string[]]>([
  ['a login with libpam-cgfs', LOGIN, 'pam', ['memory']],
  [
    'groups made by hand',
    { ...LOGIN, cgroup: { ...LOGIN.cgroup, pamCgfs: known({ enabled: false, controllers: [] }, 'pam') } },
    'cgroupfs',
    ['memory'],
  ],
  ['no group', HYBRID, 'none', []],
  ['cgroup v2 with a systemd of the user', V2, 'systemd', ['memory', 'cpu', 'pids']],
])('cgroups: %s', (_, host, manager, applied) => {
  const { cgroup } = judge({}, host)
  expect(cgroup.manager).toMatchObject({ status: 'supported', value: manager })
  const limits = Object.entries(cgroup.limits).flatMap(([name, { status }]) => (status === 'supported' ? [name] : []))
  expect(limits).toEqual(applied)
})

test('LXC 7 has no cgroup v1', () => {
  const { cgroup } = judge({ facts: { version: '7.0.0' } })
  expect(cgroup.version).toMatchObject({ status: 'unsupported', reason: 'LXC 7.0.0 has no cgroup v1' })
})

const NO_TUN: HostFacts = {
  ...HYBRID,
  devices: { ...HYBRID.devices, '/dev/net/tun': known({ present: true, mode: '600', accessible: false }, '/dev/net/tun') },
}
const DARK: HostFacts = { ...HYBRID, devices: { ...HYBRID.devices, '/dev/net/tun': unknownFact('denied', '/dev/net/tun') } }

/** Nobody makes a veth there for an ordinary user. */
function withoutVeth(host: HostFacts): HostFacts {
  return { ...host, tools: { ...host.tools, 'lxc-user-nic': known({ present: false }, 'looked') } }
}

test.each([
  ['by slirp4netns or pasta beside a container', HYBRID, 'supported', 'unsupported', 'by slirp4netns or pasta'],
  ['by our own program, without a usable /dev/net/tun', NO_TUN, 'supported', 'unsupported', 'by a program of ours'],
  [
    'not with none of the three',
    withoutVeth(NO_TUN),
    'unsupported',
    'unsupported',
    'neither slirp4netns nor pasta nor lxc-user-nic',
  ],
  ['unknown where nobody could look', withoutVeth(DARK), 'unknown', 'unknown', 'nobody could look'],
])('ports are published %s', (_, host, publish, privileged, words) => {
  const { properties } = judge({}, host).networking
  expect([properties.publish.status, properties['publish-privileged'].status]).toEqual([publish, privileged])
  expect(JSON.stringify(properties.publish)).toContain(words)
})

import { supported, unknown, unsupported, type Capabilities } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { checkCapabilities } from '../src/index.ts'

const no = unsupported('not here', 'seen')
const yes = supported<true>(true, 'seen')

const GOOD: Capabilities = {
  networking: {
    driver: supported('pasta', 'seen'),
    drivers: {
      slirp4netns: supported('available', 'seen'),
      pasta: supported('in use', 'seen'),
      'lxc-user-nic': no,
      vpnkit: no,
      'gvisor-tap-vsock': no,
      host: no,
      none: no,
    },
    portDriver: supported('implicit', 'seen'),
    mtuBytes: supported(65_520, 'seen'),
    properties: {
      publish: yes,
      'publish-privileged': no,
      'source-address': yes,
      udp: yes,
      ipv6: yes,
      ping: no,
      'reach-host': yes,
      'name-resolution': unknown('nobody looked'),
    },
  },
  storage: {
    driver: supported('overlay', 'seen'),
    drivers: { overlay: supported('in use', 'seen'), 'fuse-overlayfs': no, btrfs: no, vfs: no, dir: no },
    backingFileSystem: supported('ext4', 'seen'),
    layers: supported('shared', 'seen'),
  },
  cgroup: {
    version: supported('v2', 'seen'),
    versions: { v2: supported('in use', 'seen'), hybrid: no, v1: no },
    manager: supported('systemd', 'seen'),
    managers: { systemd: supported('in use', 'seen'), cgroupfs: no, pam: no, none: no },
    controllers: supported(['memory'], 'seen'),
    limits: { memory: yes, cpu: no, pids: no, io: no, cpuset: no },
  },
}

const { networking, storage, cgroup } = GOOD

test('capabilities that keep every rule pass', () => {
  expect(checkCapabilities(GOOD)).toEqual([])
})

test.each<[string, Capabilities, RegExp]>([
  [
    'two drivers in use',
    { ...GOOD, networking: { ...networking, drivers: { ...networking.drivers, host: supported('in use', 'x') } } },
    /marks pasta, host in use/u,
  ],
  [
    'another one in use',
    { ...GOOD, storage: { ...storage, driver: supported('vfs', 'x'), layers: supported('copied', 'x') } },
    /marks overlay in use, not vfs/u,
  ],
  ['one in use that is not known', { ...GOOD, cgroup: { ...cgroup, manager: unknown('x') } }, /marks systemd in use, not none/u],
  [
    'layers that its driver does not have',
    { ...GOOD, storage: { ...storage, layers: supported('copied', 'x') } },
    /overlay has them shared/u,
  ],
  ['no evidence', { ...GOOD, networking: { ...networking, mtuBytes: supported(1500, ' ') } }, /mtuBytes\.evidence is empty/u],
  ['no reason', { ...GOOD, networking: { ...networking, portDriver: unknown('') } }, /portDriver\.reason is empty/u],
  [
    'a control character',
    { ...GOOD, storage: { ...storage, backingFileSystem: supported('ext4\u001b[2J', 'x') } },
    /value holds control characters/u,
  ],
  ['a reason without an end', { ...GOOD, cgroup: { ...cgroup, controllers: unknown('x'.repeat(5000)) } }, /has 5000 characters/u],
  [
    'an empty command',
    {
      ...GOOD,
      cgroup: {
        ...cgroup,
        limits: { ...cgroup.limits, cpu: unsupported('x', 'x', { summary: 'x', commands: [[]], needsRoot: false }) },
      },
    },
    /empty command/u,
  ],
  [
    'a line for a shell',
    {
      ...GOOD,
      cgroup: {
        ...cgroup,
        limits: {
          ...cgroup.limits,
          cpu: unsupported('x', 'x', { summary: 'x', commands: [['sh', '-c', 'x']], needsRoot: false }),
        },
      },
    },
    /line for a shell/u,
  ],
])('%s is complained of', (_, capabilities, complaint) => {
  expect(checkCapabilities(capabilities).join('\n')).toMatch(complaint)
})

test('a word that nobody answers for, and one that nobody knows, are complained of', () => {
  const { memory: _, ...rest } = cgroup.limits
  const limits: unknown = { ...rest, swap: yes }
  const broken = JSON.parse(JSON.stringify({ ...GOOD, cgroup: { ...cgroup, limits } }))
  expect(checkCapabilities(broken)).toEqual(['cgroup.limits does not answer for memory', 'cgroup.limits knows no swap'])
})

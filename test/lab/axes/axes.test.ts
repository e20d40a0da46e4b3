import { ENGINE_NAMES } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { RELEASES } from '../releases.ts'
import { toBringUps } from './bring-ups.ts'
import { parseSeen } from './seen.ts'
import { AXES } from './variants.ts'

test.each(RELEASES.flatMap((release) => ENGINE_NAMES.map((engine) => ({ release, engine }))))(
  'the starts of $engine on $release cover every driver, and what works is started beside what works',
  ({ release, engine }) => {
    const bringUps = toBringUps(engine, release)
    for (const axis of ['networking', 'storage'] as const) {
      expect(new Set(bringUps.map((bringUp) => bringUp[axis]))).toEqual(new Set(AXES[engine][axis]))
      const refused = bringUps.flatMap((bringUp) => (bringUp.refused?.axis === axis ? [bringUp.refused.driver] : []))
      for (const bringUp of bringUps.filter((one) => one.refused === undefined)) expect(refused).not.toContain(bringUp[axis])
    }
  },
)

const LINES = { 'storage.type': 'overlay', 'storage.folder': '/', 'network.carrier': 'pasta', 'network.device': 'tap0' }

test.each([
  ['a process with a tap', {}, { networking: 'pasta', storage: 'overlay' }],
  ['a port of the bridge', { 'network.carrier': '', 'network.bridgePort': 'veth1' }, { networking: 'lxc-user-nic' }],
  ['both at once, which is neither', { 'network.bridgePort': 'veth1' }, { networking: 'pasta beside a port of the bridge' }],
  ['no way out', { 'network.carrier': '', 'network.device': '' }, { networking: 'none' }],
  ['a device with nobody behind it', { 'network.carrier': '' }, { networking: 'nobody behind tap0' }],
  ['a copy of vfs', { 'storage.type': 'ext4', 'storage.folder': '/home/a/vfs/dir/1' }, { storage: 'vfs' }],
  ['a copy of LXC', { 'storage.type': 'ext4', 'storage.folder': '/home/a/lxc/c0/rootfs' }, { storage: 'dir' }],
  ['a strange file system', { 'storage.type': 'zfs' }, { storage: 'zfs /' }],
  ['a limit', { 'limit.memory': '67108864' }, { memoryLimitBytes: 67_108_864 }],
  ["a scope of the user's systemd", { 'limit.group': '/a/user@1000.service/user.slice/docker-1.scope' }, { manager: 'systemd' }],
  [
    'a scope that LXC divided',
    { 'limit.group': '/user@1000.service/app.slice/run-1.scope/lxc.payload.c0' },
    { manager: 'systemd' },
  ],
  ['a group of a login', { 'limit.group': '/sys/fs/cgroup/memory/user/moby/0/lxc.payload.c0' }, { manager: 'pam' }],
  [
    'the group of a session',
    { 'limit.group': '/memory/user.slice/user-1000.slice/session-3.scope/lxc.payload.c0' },
    { manager: 'pam' },
  ],
  ['the group of the session alone', { 'limit.group': '/user-1000.slice/session-3.scope' }, { manager: 'none' }],
  ['the group of the daemon alone', { 'limit.group': '/user@1000.service/app.slice/docker.service' }, { manager: 'none' }],
  ['no limit', { 'limit.memory': 'max' }, { memoryLimitBytes: null }],
  ['words of failure', { failed: 'no=such thing' }, { failed: 'no=such thing' }],
])('the kernel shows %s', (_, changes, seen) => {
  const text = Object.entries({ ...LINES, ...changes }).map(([key, value]) => `${key}=${value}\n`)
  expect(parseSeen(text.join(''))).toMatchObject(seen)
})

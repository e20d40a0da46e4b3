import { known, unknownFact, type Answer, type FileStatus, type HostConditionName, type HostFacts } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { createHostFacts } from '../../core/test/fixtures.ts'
import { judgeConditions, judgeRuntimeDirectory } from '../src/judge-conditions.ts'

const HOST = createHostFacts()
const { user, userNamespace, home, session, devices, cgroup } = HOST

const SYSTEMD: HostFacts['session'] = {
  ...session,
  systemd: known(true, '/proc/1/comm'),
  userManager: known(true, 'systemd/private'),
  linger: known(true, '/var/lib/systemd/linger'),
}

function withHome(changes: Partial<HostFacts['home']>): HostFacts {
  return { ...HOST, home: { ...home, ...changes } }
}

function onFileSystem(type: string, options: readonly string[] = ['rw']): HostFacts {
  return withHome({ fileSystem: known({ type, mountPoint: '/home', options }, '/proc/self/mountinfo') })
}

test('a host on which everything works has no conditions', () => {
  expect(judgeConditions(HOST)).toEqual([])
})

const cases: readonly (readonly [string, HostFacts, HostConditionName, RegExp])[] = [
  ['asked as root', { ...HOST, user: { ...user, uid: 0, name: 'root' } }, 'running-as-root', /ordinary user.*--user/u],
  [
    'a user without subordinate ids',
    { ...HOST, userNamespace: { ...userNamespace, subordinateUserIds: known([], '/etc/subuid') } },
    'no-subordinate-ids',
    /moby has no subordinate ids/u,
  ],
  [
    'a kernel that refuses the uid map',
    {
      ...HOST,
      userNamespace: { ...userNamespace, uidMapWritten: known({ worked: false, reason: 'uid_map: EPERM' }, 'unshare') },
    },
    'no-user-namespaces',
    /uid_map: EPERM/u,
  ],
  ['a home on NFS', onFileSystem('nfs4'), 'home-on-network-file-system', /nfs4/u],
  ['a home on SSHFS', onFileSystem('fuse.sshfs'), 'home-on-network-file-system', /fuse\.sshfs/u],
  ['a home mounted noexec', onFileSystem('ext4', ['rw', 'noexec']), 'home-noexec', /noexec/u],
  ['a home without space', withHome({ freeBytes: known(100 * 1024 ** 2, 'statvfs') }), 'home-full', /only 100 MiB/u],
  [
    'no runtime folder',
    { ...HOST, session: { ...session, runtimeDirectory: known(null, 'XDG_RUNTIME_DIR') } },
    'runtime-directory-missing',
    /XDG_RUNTIME_DIR is not set/u,
  ],
  [
    'a dead systemd of the user',
    { ...HOST, session: { ...SYSTEMD, userManager: known(false, '/run/user/1000/systemd/private') } },
    'no-user-manager',
    /systemd of moby does not run.*no limit/u,
  ],
  [
    'a user who does not linger',
    { ...HOST, session: { ...SYSTEMD, linger: known(false, '/var/lib/systemd/linger') } },
    'no-linger',
    /containers end at the last logout/u,
  ],
  [
    'no tun device',
    { ...HOST, devices: { ...devices, '/dev/net/tun': known({ present: false }, '/dev/net/tun') } },
    'tun-not-accessible',
    /does not exist.*slirp4netns/u,
  ],
  [
    'a fuse device for root only',
    { ...HOST, devices: { ...devices, '/dev/fuse': known({ present: true, mode: '0600', accessible: false }, '/dev/fuse') } },
    'fuse-not-accessible',
    /mode 0600.*fuse-overlayfs/u,
  ],
  [
    'no delegated controllers on v2',
    { ...HOST, cgroup: { ...cgroup, delegatedControllers: known([], 'cgroup.controllers') } },
    'no-delegated-controllers',
    /no cgroup controller is delegated.*limits will not be applied/u,
  ],
  [
    'no delegated controllers on a hybrid host',
    { ...HOST, cgroup: { ...cgroup, layout: known('hybrid', 'm'), delegatedControllers: known([], 'cgroup.controllers') } },
    'no-delegated-controllers',
    /layout is hybrid.*limits will not be applied/u,
  ],
]

test.each(cases)('%s is that one condition, with its reason and its source', (_, host, name, message) => {
  const conditions = judgeConditions(host)
  expect(conditions.map((each) => each.name)).toEqual([name])
  expect(conditions[0]?.message).toMatch(message)
  expect(conditions[0]?.source).not.toBe('')
})

test.each([
  ['controllers on v2 with systemd', HOST.session.systemd, 'v2', true],
  ['controllers on v2 without systemd', known(false, '/proc/1/comm'), 'v2', false],
  ['controllers on a hybrid host', HOST.session.systemd, 'hybrid', false],
] as const)('%s: a fix only where there is one', (_, systemd, layout, fixable) => {
  const [condition] = judgeConditions({
    ...HOST,
    session: { ...session, systemd },
    cgroup: { ...cgroup, layout: known(layout, 'm'), delegatedControllers: known([], 'cgroup.controllers') },
  })
  expect(condition?.fix !== undefined).toBe(fixable)
})

const unknown = unknownFact('permission denied', 'somewhere')

test.each<readonly [string, HostFacts]>([
  ['the subordinate ids', { ...HOST, userNamespace: { ...userNamespace, subordinateUserIds: unknown } }],
  ['the user namespace', { ...HOST, userNamespace: { ...userNamespace, uidMapWritten: unknown } }],
  ['the home folder', withHome({ fileSystem: unknown, freeBytes: unknown, passableByOthers: unknown })],
  ['the runtime folder', { ...HOST, session: { ...session, runtimeDirectory: unknown } }],
  ['the devices', { ...HOST, devices: { '/dev/fuse': unknown, '/dev/net/tun': unknown } }],
  ['the delegated controllers', { ...HOST, cgroup: { ...cgroup, delegatedControllers: unknown } }],
])('%s that nobody could look at are no condition', (_, host) => {
  expect(judgeConditions(host)).toEqual([])
})

test('several conditions are told one by one', () => {
  const host = { ...onFileSystem('nfs', ['noexec']), user: { ...user, uid: 0 } }
  expect(judgeConditions(host).map(({ name }) => name)).toEqual(['running-as-root', 'home-on-network-file-system', 'home-noexec'])
})

const folder: FileStatus = { kind: 'directory', mode: 0o700, uid: 1000, gid: 1000, readable: true, writable: true }

test.each<readonly [string, Answer<FileStatus>, RegExp | null]>([
  ['that works', { status: 'ok', value: folder }, null],
  ['that could not be looked at in time', { status: 'failed', reason: 'timed out' }, null],
  ['that is not there', { status: 'absent', reason: 'x' }, /does not exist/u],
  ['behind a closed one', { status: 'denied', reason: 'x' }, /may not look at/u],
  ['that is a file', { status: 'ok', value: { ...folder, kind: 'file' } }, /is a file, not a folder/u],
  ['that is not writable', { status: 'ok', value: { ...folder, writable: false } }, /may not write/u],
])('a runtime folder %s', (_, answer, message) => {
  const [condition] = judgeRuntimeDirectory('/run/user/1000', answer)
  if (message === null) expect(condition).toBeUndefined()
  else expect(condition).toMatchObject({ name: 'runtime-directory-unusable', message: expect.stringMatching(message) })
})

test('a runtime folder is named without its control characters', () => {
  const [condition] = judgeRuntimeDirectory('/run/\u001b[31m', { status: 'absent', reason: 'x' })
  expect(condition?.message).not.toMatch(/\p{Cc}/u)
})

test.each<[string, HostFacts['session']]>([
  [
    'no systemd',
    { ...SYSTEMD, systemd: known(false, '/proc/1/comm'), userManager: known(false, 'none'), linger: known(false, 'none') },
  ],
  ['a look that failed', { ...SYSTEMD, userManager: unknownFact('denied', 'private'), linger: unknownFact('denied', 'linger') }],
])('%s is no sign of a dead manager or of a user who does not linger', (_, changed) => {
  expect(judgeConditions({ ...HOST, session: changed })).toEqual([])
})

test.each<[HostConditionName, HostFacts, readonly string[]]>([
  ['no-linger', { ...HOST, session: { ...SYSTEMD, linger: known(false, 'none') } }, ['loginctl', 'enable-linger', 'moby']],
  [
    'no-user-manager',
    { ...HOST, session: { ...SYSTEMD, userManager: known(false, 'none') } },
    ['systemctl', 'restart', 'user@1000.service'],
  ],
  [
    'runtime-directory-missing',
    { ...HOST, session: { ...session, runtimeDirectory: known(null, 'XDG_RUNTIME_DIR') } },
    ['export', 'XDG_RUNTIME_DIR=/run/user/1000'],
  ],
  ['home-full', withHome({ freeBytes: known(0, 'statvfs') }), ['du', '-xhd1', user.homeDirectory]],
])('%s says what to type', (name, host, command) => {
  expect(judgeConditions(host).find((each) => each.name === name)?.fix?.commands).toEqual([command])
})

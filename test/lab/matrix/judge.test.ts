import { ENGINE_NAMES } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { EXPECTED } from './expected.ts'
import { CELLS, judgeGuest, listWrong } from './judge.ts'
import type { Words } from './observe.ts'

// A guest in which all is well, and one word of it turned false at a time.

const GROUP = '/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope/lxc.payload.c0'
const LIMITS = { memory: '67108864', cpu: '50000 100000', pids: '20', cpuset: '0', io: 'default 910' }
const ENGINES = {
  docker: { version: '20.10.24+dfsg1-1+deb12u1', network: 'slirp4netns', storage: 'overlay' },
  podman: { version: '4.3.1+ds1-8', network: 'slirp4netns', storage: 'ext4' },
  lxc: { version: '1:5.0.2-1+deb12u4', network: 'lxc-user-nic', storage: 'ext4' },
}
const SAID = {
  docker: { version: '20.10.24', network: 'slirp4netns', storage: 'overlay' },
  podman: { version: '4.3.1', network: 'slirp4netns', storage: 'vfs' },
  lxc: { version: '5.0.2', network: 'lxc-user-nic', storage: 'dir' },
}

const seen: Words = Object.fromEntries([
  ['host.cgroup', 'v2'],
  ...ENGINE_NAMES.flatMap((engine) =>
    Object.entries({
      ...ENGINES[engine],
      group: GROUP,
      controllers: 'cpu cpuset io memory pids',
      sentBytes: '264',
      uidMap: '0 1000 1,1 100000 65536',
      ...Object.fromEntries(Object.entries(LIMITS).map(([limit, value]) => [`limit.${limit}`, value])),
    }).map(([name, value]) => [`${engine}.${name}`, value]),
  ),
])
const said: Words = Object.fromEntries(
  ENGINE_NAMES.flatMap((engine) =>
    Object.entries({
      ...SAID[engine],
      cgroupVersion: 'v2',
      cgroupManager: 'systemd',
      controllers: 'cpu cpuset io memory pids',
      ids: '100000:65536',
      ...Object.fromEntries(Object.keys(LIMITS).map((limit) => [`limit.${limit}`, 'bites'])),
    }).map(([name, value]) => [`${engine}.${name}`, value]),
  ),
)

const judge = (words: { readonly said?: Words; readonly seen?: Words }): readonly string[] =>
  judgeGuest('bookworm', 'delegate', { said: { ...said, ...words.said }, seen: { ...seen, ...words.seen } })
    .filter(({ verdict }) => verdict !== 'confirmed')
    .map(({ engine, cell, verdict }) => `${engine}.${cell}: ${verdict}`)

test('what is said, seen and written down alike is confirmed', () => {
  expect(judge({})).toEqual([])
})

const claims = ENGINE_NAMES.flatMap((engine) => CELLS.map(({ name }) => `${engine}.${name}`))

test.each(claims)('a false word on %s is contradicted', (claim) => {
  expect(judge({ said: { [claim]: 'something else' } })).toEqual([`${claim}: contradicted`])
})

test.each(claims)('"unknown" on %s is no agreement', (claim) => {
  expect(judge({ said: { [claim]: 'unknown: denied' } })).toEqual([`${claim}: unverified`])
})

test.each([
  ['a carrier that carried nothing', { 'docker.sentBytes': '0' }, ['docker.network: contradicted']],
  ['a limit that was asked for and is not there', { 'podman.limit.memory': 'max' }, ['podman.limit.memory: contradicted']],
  [
    'a container beside the systemd of the user',
    { 'lxc.group': '/user.slice/session-1.scope' },
    ['lxc.cgroupManager: contradicted'],
  ],
  ['another file system below', { 'docker.storage': 'fuse.fuse-overlayfs' }, ['docker.storage: contradicted']],
  ['other subordinate ids', { 'podman.uidMap': '0 1000 1,1 200000 65536' }, ['podman.ids: contradicted']],
])('%s is seen', (_, change, wrong) => {
  expect(judge({ seen: change })).toEqual(wrong)
})

describe('an exception', () => {
  const { podman: row } = EXPECTED.trixie.v1
  if (!('exception' in row)) throw new Error('Podman is no exception on trixie-v1 any more')
  const happened = { said: { 'podman.refusal': row.said }, seen: { 'podman.failed': `Error: crun: ${row.refusal}, drop` } }
  const podman = (words: { readonly said?: Words; readonly seen?: Words }): readonly string[] => {
    const looked = { said: words.said ?? happened.said, seen: words.seen ?? happened.seen }
    const facts = judgeGuest('trixie', 'v1', looked).filter(({ engine }) => engine === 'podman')
    return listWrong(facts, looked.seen)
  }

  test('that happens as it is written down is not wrong, and has its reason', () => {
    expect(podman({})).toEqual([])
    const facts = judgeGuest('trixie', 'v1', happened).filter(({ verdict }) => verdict === 'refused')
    expect(facts).toMatchObject([{ engine: 'podman', cell: 'start', reason: row.exception }])
  })

  test.each([
    ['that does not happen', { seen: {} }],
    ['with other words of the engine', { seen: { 'podman.failed': 'no space left on device' } }],
    ['that the tool does not say', { said: { 'podman.refusal': 'none' } }],
  ])('%s is wrong', (_, words) => {
    expect(podman(words)).toContainEqual(expect.stringMatching(/^trixie-v1 podman start: contradicted/u))
  })

  test('of one engine excuses no other', () => {
    const both = { ...happened.seen, 'docker.failed': 'no such image' }
    expect(podman({ seen: both })).toEqual(['docker.failed: no such image'])
  })
})

test('on cgroup v1 a group of LXC is its own without a limit, one that Docker was given is not', () => {
  const of = (engine: 'docker' | 'lxc', group: string): readonly string[] =>
    judgeGuest('trixie', 'v1', {
      said: {},
      seen: { 'host.cgroup': 'hybrid', [`${engine}.group`]: group, [`${engine}.controllers`]: 'freezer' },
    })
      .filter((fact) => fact.engine === engine && ['cgroupManager', 'controllers'].includes(fact.cell))
      .map(({ seen: shown }) => shown)
  expect(of('lxc', '/user/moby/0/lxc.payload.c0')).toEqual(['pam', 'freezer'])
  expect(of('docker', '/user/moby/0/0a1b')).toEqual(['none', 'none'])
})

import { describe, expect, test } from 'vitest'
import { parseCgroupPlaces } from '../../src/containers/container-cgroup.ts'
import type { LimitPlan } from '../../src/containers/driver.ts'
import { judgeAskedLimits, toNotEnforced } from '../../src/containers/plan-limits.ts'
import { readStats } from '../../src/containers/read-stats.ts'
import { toProcessors, verifyLimits } from '../../src/containers/verify-limits.ts'
import { supported, unknown, unsupported } from '../../src/index.ts'
import { createFileSystem } from './fake-machine.ts'

const NONE: LimitPlan = { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null }
const ALL: LimitPlan = { memoryBytes: 67_108_864, swapBytes: 0, cpus: 0.5, pids: 20, cpuset: '0-1', ioWeight: 100 }

const V2_MOUNT = '30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw'
const HYBRID_MOUNTS = [
  '30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  '31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
].join('\n')

const SCOPE = '/sys/fs/cgroup/user.slice/docker-abc.scope'
const V2_FILES = {
  '/proc/self/mountinfo': V2_MOUNT,
  '/proc/77/cgroup': '0::/user.slice/docker-abc.scope\n',
  [`${SCOPE}/memory.max`]: '67108864\n',
  [`${SCOPE}/memory.swap.max`]: '0\n',
  [`${SCOPE}/cpu.max`]: '50000 100000\n',
  [`${SCOPE}/pids.max`]: '20\n',
  [`${SCOPE}/cpuset.cpus.effective`]: '0-1\n',
  [`${SCOPE}/io.weight`]: 'default 910\n',
}

describe('a limit is seen in the cgroup of the container', () => {
  test('all of them on cgroup v2', async () => {
    const seen = await verifyLimits(createFileSystem(V2_FILES), 77, ALL)
    expect(seen.map(({ limit, status }) => [limit, status])).toEqual([
      ['memory', 'applied'],
      ['memory', 'applied'],
      ['cpu', 'applied'],
      ['pids', 'applied'],
      ['cpuset', 'applied'],
      ['io', 'applied'],
    ])
  })

  test('a limit of the cgroup above counts too', async () => {
    const files = {
      ...V2_FILES,
      '/proc/77/cgroup': '0::/user.slice/lxc.scope/payload\n',
      '/sys/fs/cgroup/user.slice/lxc.scope/pids.max': '20',
      '/sys/fs/cgroup/user.slice/lxc.scope/payload/pids.max': 'max',
    }
    expect(await verifyLimits(createFileSystem(files), 77, { ...NONE, pids: 20 })).toEqual([
      { limit: 'pids', asked: 'pids.max 20', status: 'applied', evidence: '/sys/fs/cgroup/user.slice/lxc.scope: 20' },
    ])
  })

  test('a larger one is not the one that was asked', async () => {
    const files = { ...V2_FILES, [`${SCOPE}/memory.max`]: '134217728' }
    const [verdict] = await verifyLimits(createFileSystem(files), 77, { ...NONE, memoryBytes: 67_108_864 })
    expect(verdict).toMatchObject({ status: 'not-applied', evidence: `${SCOPE}: 134217728` })
  })

  test('a hybrid host keeps memory in its v1 hierarchy, where none is applied', async () => {
    const files = {
      '/proc/self/mountinfo': HYBRID_MOUNTS,
      '/proc/77/cgroup': '4:memory:/user.slice/session\n2:cpu,cpuacct:/\n0::/\n',
      '/sys/fs/cgroup/memory/user.slice/session/memory.limit_in_bytes': '9223372036854771712\n',
    }
    const [memory, cpu] = await verifyLimits(createFileSystem(files), 77, { ...NONE, memoryBytes: 67_108_864, cpus: 0.5 })
    expect(memory?.status).toBe('not-applied')
    expect(cpu?.status).toBe('not-applied')
  })

  test('a container that has ended cannot be looked at', async () => {
    const [verdict] = await verifyLimits(createFileSystem({}), null, { ...NONE, pids: 20 })
    expect(verdict?.status).toBe('unknown')
  })

  test('a process whose cgroup cannot be read is unknown', async () => {
    const [verdict] = await verifyLimits(createFileSystem({}), 77, { ...NONE, pids: 20 })
    expect(verdict).toMatchObject({ status: 'unknown', evidence: '/proc/77/cgroup: does not exist' })
  })
})

const FINDINGS = {
  memory: supported(true as const, 'seen'),
  cpu: unsupported('cpu is not delegated', 'cgroup.controllers'),
  pids: unknown('nobody could look'),
  io: unsupported('io is not delegated', 'cgroup.controllers'),
  cpuset: supported(true as const, 'seen'),
}

test('what is known not to be applied stays away from the engine, what is unknown is tried', () => {
  const { plan, refused } = judgeAskedLimits(ALL, FINDINGS)
  expect(plan).toEqual({ ...ALL, cpus: null, ioWeight: null })
  expect(refused.map(({ limit, status, evidence }) => [limit, status, evidence])).toEqual([
    ['cpu', 'not-applied', 'cpu is not delegated (cgroup.controllers)'],
    ['io', 'not-applied', 'io is not delegated (cgroup.controllers)'],
  ])
  expect(toNotEnforced('docker', refused, FINDINGS)).toMatchObject({ code: 'LIMIT_NOT_ENFORCED', engine: 'docker' })
})

describe('stats', () => {
  const files = {
    ...V2_FILES,
    '/proc/77/stat': '77 (sh) S 70 77 77 0',
    '/proc/70/cgroup': '0::/user.slice/docker.service\n',
    [`${SCOPE}/memory.current`]: '1234',
    [`${SCOPE}/cpu.stat`]: 'usage_usec 5678\nuser_usec 1\n',
    [`${SCOPE}/pids.current`]: '3',
    [`${SCOPE}/io.stat`]: '8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2 rios=1\n',
    '/proc/77/net/dev': 'Inter-|\n face |\n    lo: 9 0 0 0 0 0 0 0 9 0\n  eth0: 100 1 0 0 0 0 0 0 200 2 0\n',
  }

  test('are read from the container’s own cgroup', async () => {
    const stats = await readStats(createFileSystem(files), 77, { ownNetwork: true })
    const values = Object.entries(stats).map(([name, fact]) => [name, fact.status === 'known' ? fact.value : fact.reason])
    expect(Object.fromEntries(values)).toEqual({
      memoryBytes: 1234,
      memoryLimitBytes: 67_108_864,
      cpuMicroseconds: 5678,
      pids: 3,
      ioReadBytes: 11,
      ioWriteBytes: 22,
      networkReceivedBytes: 100,
      networkSentBytes: 200,
    })
  })

  test('are unknown where the container shares the cgroup of the engine', async () => {
    const shared = { ...files, '/proc/70/cgroup': '0::/user.slice/docker-abc.scope\n' }
    const stats = await readStats(createFileSystem(shared), 77, { ownNetwork: false })
    expect([stats.memoryBytes.status, stats.cpuMicroseconds.status, stats.pids.status, stats.networkSentBytes.status]).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ])
  })
})

test('places of a hybrid host: each controller in its own tree', () => {
  expect(parseCgroupPlaces('4:memory:/a\n1:name=systemd:/b\n0::/c\n', HYBRID_MOUNTS)).toEqual([
    { controller: 'memory', root: '/sys/fs/cgroup/memory', path: '/a', unified: false },
    { controller: 'unified', root: '/sys/fs/cgroup/unified', path: '/c', unified: true },
  ])
})

test.each([
  ['0-2,5', [0, 1, 2, 5]],
  ['', []],
  ['3-1', []],
  ['0-99999999', []],
])('the processors of %j', (list, numbers) => {
  expect(toProcessors(list)).toEqual(numbers)
})

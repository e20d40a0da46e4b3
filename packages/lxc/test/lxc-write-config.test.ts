import { expect, test } from 'vitest'
import { parseConfigEntries } from '../src/lxc-config.ts'
import type { LxcRecord } from '../src/lxc-record.ts'
import { writeConfig, type ConfigSource } from '../src/lxc-write-config.ts'

const NO_LIMITS = { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null }

const RECORD: LxcRecord = {
  version: 1,
  id: '0123456789abcdef',
  name: 'one',
  image: 'busybox',
  imageId: 'sha256:0',
  command: ['true'],
  environment: {},
  workdir: '/',
  user: '',
  hostname: 'one',
  labels: {},
  limits: NO_LIMITS,
  ports: [],
  network: 'none',
  dropCapabilities: [],
  terminal: false,
  stdin: false,
  stopSignal: null,
  createdAt: 0,
  idMaps: [{ kind: 'u', inside: 0, outside: 100_000, count: 65_536 }],
  lines: ['lxc.rootfs.path = dir:/r'],
}

const SOURCE: ConfigSource = {
  record: RECORD,
  user: { uid: 0, gid: 0, home: '/root' },
  hook: '/h/pipes/hook',
  waitsForRelease: false,
  cgroup: null,
  seccompProfile: '/s',
  appArmorProfile: 'unconfined',
}

function write(record: Partial<LxcRecord>, more: Partial<ConfigSource> = {}) {
  const { text, defines } = writeConfig({ ...SOURCE, ...more, record: { ...RECORD, ...record } })
  return { text, defines, entries: parseConfigEntries(text) }
}

function valuesOf(key: string, { entries }: ReturnType<typeof write>): readonly string[] {
  return entries.filter((entry) => entry.key === key).map(({ value }) => value)
}

test.each([
  ['a newline and a key of LXC', 'a\nlxc.rootfs.path = dir:/'],
  ['newlines alone', '\n\n'],
  ['a carriage return and a newline', 'a\r\nlxc.include = /etc/passwd'],
])('a variable with %s goes to no line of the file', (_, value) => {
  const written = write({ environment: { EVIL: value } })
  expect(written.defines).toEqual([`lxc.environment=EVIL=${value}`])
  expect(valuesOf('lxc.rootfs.path', written)).toEqual(['dir:/r'])
  expect(written.text).not.toContain('EVIL')
  expect(written.text).not.toContain('lxc.include')
})

test.each([
  ['blanks at both ends', '  a  '],
  ['quotes of both kinds', `"a' "`],
  ['an equals sign', 'a=b = c'],
  ['a number sign', '# a'],
  ['nothing', ''],
  ['letters of others', 'ä \u202e 漢'],
])('a variable with %s is kept as it is', (_, value) => {
  const written = write({ environment: { WORD: value, HOME: '/h' } })
  expect(written.defines).toEqual([])
  expect(valuesOf('lxc.environment', written)).toEqual([`WORD=${value}`, 'HOME=/h'])
})

test.each(['hostname', 'workdir'] as const)('a newline in the %s makes no line', (field) => {
  const written = write({ [field]: 'x\nlxc.cap.keep = sys_admin' })
  expect(valuesOf('lxc.cap.keep', written)).not.toContain('sys_admin')
  expect(written.defines).toHaveLength(1)
})

test('nobody gains privileges, and no more capabilities than with Docker are left', () => {
  const written = write({})
  expect(valuesOf('lxc.no_new_privs', written)).toEqual(['1'])
  expect(valuesOf('lxc.cap.keep', written)).toEqual([
    'chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap net_bind_service sys_chroot kill audit_write',
  ])
})

test.each([
  ['one capability', ['NET_RAW'], false],
  ['all of them', ['ALL'], true],
])('%s can be taken away', (_, dropCapabilities, isNone) => {
  const [kept] = valuesOf('lxc.cap.keep', write({ dropCapabilities }))
  expect(kept?.includes('net_raw')).toBe(false)
  expect(kept === 'none').toBe(isNone)
})

const LIMITS = { memoryBytes: 67_108_864, swapBytes: 0, cpus: 0.5, pids: 20, cpuset: '0', ioWeight: 100 }

test('without a cgroup of its own no limit is written: LXC would refuse to start', () => {
  expect(write({ limits: LIMITS }).text).not.toMatch(/lxc\.cgroup/u)
})

test.each([
  [
    'v2' as const,
    [
      ['lxc.cgroup2.memory.max', '67108864'],
      ['lxc.cgroup2.memory.swap.max', '0'],
      ['lxc.cgroup2.cpu.max', '50000 100000'],
      ['lxc.cgroup2.pids.max', '20'],
      ['lxc.cgroup2.cpuset.cpus', '0'],
      ['lxc.cgroup2.io.weight', '910'],
    ],
  ],
  [
    'v1' as const,
    [
      ['lxc.cgroup.memory.limit_in_bytes', '67108864'],
      ['lxc.cgroup.memory.memsw.limit_in_bytes', '67108864'],
      ['lxc.cgroup.cpu.cfs_period_us', '100000'],
      ['lxc.cgroup.cpu.cfs_quota_us', '50000'],
      ['lxc.cgroup.pids.max', '20'],
      ['lxc.cgroup.cpuset.cpus', '0'],
      ['lxc.cgroup.blkio.weight', '100'],
    ],
  ],
])('limits on cgroup %s are what runc would write', (cgroup, expected) => {
  const { entries } = write({ limits: LIMITS }, { cgroup })
  expect(entries.filter(({ key }) => key.startsWith('lxc.cgroup')).map(({ key, value }) => [key, value])).toEqual(expected)
})

test("a hook's path is one word of a shell, whatever is in it", () => {
  const written = write({}, { waitsForRelease: true, hook: "/my home/it's/hook" })
  expect(valuesOf('lxc.hook.start-host', written)).toEqual([`'/my home/it'\\''s/hook'`])
})

test('the standard streams are pipes without a terminal, and the terminal with one', () => {
  expect(valuesOf('lxc.console.path', write({}))).toEqual(['none'])
  expect(valuesOf('lxc.console.path', write({ terminal: true }))).toEqual([])
})

import { describe, expect, test } from 'vitest'
import { checkContainerOptions } from '../../src/containers/plan-container.ts'
import { toSignalName } from '../../src/containers/signals.ts'
import type { ContainerOptions } from '../../src/index.ts'

const rejected: readonly (readonly [string, Partial<ContainerOptions>])[] = [
  ['an image with a blank', { image: 'busy box' }],
  ['an empty image', { image: '' }],
  ['an image in capitals', { image: 'BusyBox' }],
  ['an image that climbs', { image: '../up' }],
  ['an image with a broken digest', { image: 'busybox@sha256:zz' }],
  ['a capability that Linux does not have', { dropCapabilities: ['NO_SUCH_CAPABILITY'] }],
  ['an image that is an option', { image: '--privileged' }],
  ['a name of one letter', { name: 'w' }],
  ['a name with a line break', { name: 'ab\ncd' }],
  ['a name that begins with a dash', { name: '-ab' }],
  ['a name of 10,000 letters', { name: 'a'.repeat(10_000) }],
  ['a zero in a command', { command: ['echo', 'a\0b'] }],
  ['an empty first word', { command: [''] }],
  ['an equals sign in a variable', { environment: { 'A=B': 'c' } }],
  ['a variable without a name', { environment: { '': 'c' } }],
  ['a zero in a value', { environment: { A: '\0' } }],
  ['a workdir that is not absolute', { workdir: 'srv' }],
  ['a workdir that climbs', { workdir: '/srv/../etc' }],
  ['a user with a blank', { user: 'a b' }],
  ['a host name with an underscore', { hostname: 'a_b' }],
  ['a label of ours', { labels: { 'rootless-runtime.owner': 'nobody' } }],
  ['a label without a name', { labels: { '': 'x' } }],
  ['labels of a megabyte', { labels: { a: 'x'.repeat(1024 * 1024) } }],
  ['one byte of memory', { limits: { memoryBytes: 1 } }],
  ['memory that is not a number', { limits: { memoryBytes: Number.NaN } }],
  ['less than no memory', { limits: { memoryBytes: -1 } }],
  ['half a byte of memory', { limits: { memoryBytes: 64 * 1024 ** 2 + 0.5 } }],
  ['swap without memory', { limits: { swapBytes: 0 } }],
  ['no processor at all', { limits: { cpus: 0 } }],
  ['processors that are not a number', { limits: { cpus: Number.NaN } }],
  ['endless processors', { limits: { cpus: Number.POSITIVE_INFINITY } }],
  ['no process at all', { limits: { pids: 0 } }],
  ['a cpuset of words', { limits: { cpuset: 'all' } }],
  ['an io weight of 9', { limits: { ioWeight: 9 } }],
  ['port 0 inside', { ports: [{ container: 0 }] }],
  ['port 65536 inside', { ports: [{ container: 65_536 }] }],
  ['port 0 outside', { ports: [{ container: 80, host: 0 }] }],
  ['a range that leaves the ports', { ports: [{ container: 65_535, count: 2 }] }],
  ['a port that is not a number', { ports: [{ container: Number.NaN }] }],
  [
    'a port published twice',
    {
      ports: [
        { container: 80, host: 8080 },
        { container: 81, host: 8080 },
      ],
    },
  ],
  ['an address that is a name', { ports: [{ container: 80, address: 'localhost' }] }],
  ['an address beyond 255', { ports: [{ container: 80, address: '127.0.0.256' }] }],
  ['ports without a network', { network: 'none', ports: [{ container: 80 }] }],
  ['the root as a target', { mounts: [{ source: '/srv', target: '/' }] }],
  ['the root in another spelling as a target', { mounts: [{ source: '/srv', target: '/./' }] }],
  ['the root as a source', { mounts: [{ source: '/', target: '/srv' }] }],
  ['a target that climbs', { mounts: [{ source: '/srv', target: '/srv/../../etc' }] }],
  [
    'two mounts at one target',
    {
      mounts: [
        { kind: 'tmpfs', target: '/a' },
        { kind: 'tmpfs', target: '/a/' },
      ],
    },
  ],
  ['a capability of blanks', { dropCapabilities: ['NET RAW'] }],
  ['a secret that climbs', { secrets: { '..': 'x' } }],
  ['a secret with a slash', { secrets: { 'a/b': 'x' } }],
  ['a secret of a megabyte', { secrets: { a: new Uint8Array(1024 * 1024) } }],
  ['a signal that is none', { stopSignal: 'SIGNOPE' }],
  ['a healthcheck without a command', { healthcheck: { command: [] } }],
]

describe('is refused as INVALID_ARGUMENT:', () => {
  test.each(rejected)('%s', (_, options) => {
    expect(() => checkContainerOptions({ image: 'busybox', ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
})

describe('is filled in:', () => {
  test('a name of our own', () => {
    expect(checkContainerOptions({ image: 'busybox' }).plan.name).toMatch(/^rootless-[0-9a-f-]{13}$/u)
  })

  test('no swap beside a limit of memory', () => {
    expect(checkContainerOptions({ image: 'busybox', limits: { memoryBytes: 64 * 1024 ** 2 } }).plan.limits.swapBytes).toBe(0)
  })

  test('a range of ports, one by one, on the loopback address', () => {
    expect(checkContainerOptions({ image: 'busybox', ports: [{ container: 80, host: 8080, count: 2 }] }).ports).toEqual([
      { container: 80, host: 8080, protocol: 'tcp', address: '127.0.0.1', chosen: false },
      { container: 81, host: 8081, protocol: 'tcp', address: '127.0.0.1', chosen: false },
    ])
  })

  test('the shortest form of a path', () => {
    expect(checkContainerOptions({ image: 'busybox', workdir: '//srv/./a/' }).plan.workdir).toBe('/srv/a')
  })

  test('capabilities in capitals, without their prefix', () => {
    expect(checkContainerOptions({ image: 'busybox', dropCapabilities: ['cap_net_raw', 'ALL'] }).plan.dropCapabilities).toEqual([
      'NET_RAW',
      'ALL',
    ])
  })
})

test.each([
  ['TERM', 'SIGTERM'],
  ['sigusr1', 'SIGUSR1'],
  ['9', 'SIGKILL'],
])('the signal %s is %s', (given, name) => {
  expect(toSignalName(given)).toBe(name)
})

test.each([
  'busybox',
  'busybox:1.36',
  'localhost:5000/a/b_c:tag',
  'docker.io/library/busybox:latest',
  `busybox@sha256:${'a'.repeat(64)}`,
  `sha256:${'a'.repeat(64)}`,
  'a0f9f3cca6fd',
  'Registry.example/team/app',
])('the image %s can be', (image) => {
  expect(checkContainerOptions({ image }).plan.image).toBe(image)
})

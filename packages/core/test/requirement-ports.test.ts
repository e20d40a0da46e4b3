import { expect, test } from 'vitest'
import {
  findShortfalls,
  findVersionShortfalls,
  parseRequirement,
  RootlessError,
  unsupported,
  type Requirement,
} from '../src/index.ts'
import { createCapabilities } from './fixtures.ts'

test.each<readonly [string, Requirement]>([
  ['ports=8080', { ports: [{ host: 8080, protocol: 'tcp' }] }],
  [
    'ports=80+53/udp',
    {
      ports: [
        { host: 80, protocol: 'tcp' },
        { host: 53, protocol: 'udp' },
      ],
    },
  ],
  [
    'ports=80,ports=443/tcp',
    {
      ports: [
        { host: 80, protocol: 'tcp' },
        { host: 443, protocol: 'tcp' },
      ],
    },
  ],
  ['versions=docker>=20.10', { versions: { docker: '20.10' } }],
  ['versions=docker>=24+podman>=4.3.1,cgroup=v2', { versions: { docker: '24', podman: '4.3.1' }, cgroup: ['v2'] }],
])('%s is read', (text, expected) => {
  expect(parseRequirement(text)).toEqual(expected)
})

test.each([
  'ports=',
  'ports=0',
  'ports=65536',
  'ports=80/sctp',
  'ports=80|81',
  'ports=-1',
  'ports=http',
  'versions=',
  'versions=docker',
  'versions=docker=20',
  'versions=docker>=x',
  'versions=docker>=1.2.3.4',
  'versions=rkt>=1',
  'versions=__proto__>=1',
  'versions=docker>=1|podman>=1',
])('%s is refused', (text) => {
  expect(() => parseRequirement(text)).toThrow(RootlessError)
  expect(() => parseRequirement(text)).toThrow(/is no (?:port|version); known: /u)
})

test.each([
  ['20.10.24+dfsg1', '20.10', true],
  ['20.10.24', '20.10.24', true],
  ['20.10.24', '20.10.25', false],
  ['20.9', '20.10', false],
  ['5.0.0-rc1', '5', true],
  ['5', '5.0.0', true],
  ['4.9.9', '5', false],
  ['unknown', '1', false],
  ['', '0', false],
])('version %j is at least %s: %s', (version, oldest, met) => {
  const shortfalls = findVersionShortfalls('docker', version, { versions: { docker: oldest } })
  expect(shortfalls.map(({ asked }) => asked)).toEqual(met ? [] : [`versions=docker>=${oldest}`])
})

test('an engine that is not named may have any version', () => {
  expect(findVersionShortfalls('podman', '1', { versions: { docker: '99' } })).toEqual([])
})

const publishing = createCapabilities()

test.each([
  ['any port', { ports: [{}] }, []],
  ['a port that users may bind', { ports: [{ host: 8080 }] }, []],
  ['a UDP port', { ports: [{ host: 5353, protocol: 'udp' as const }] }, []],
  ['a port for root', { ports: [{ host: 80 }] }, ['ports=80/tcp']],
])('%s is met or named', (_, requirement, expected) => {
  expect(findShortfalls(publishing, requirement).map(({ asked }) => asked)).toEqual(expected)
})

test('without publishing no port will do, told once', () => {
  const { properties } = publishing.networking
  const publish = unsupported('nothing forwards a port', 'lxc')
  const none = createCapabilities({ networking: { properties: { ...properties, publish } } })
  expect(findShortfalls(none, { ports: [{ host: 53, protocol: 'udp' }] })).toEqual([
    { asked: 'ports=53/udp', reason: 'nothing forwards a port' },
  ])
})

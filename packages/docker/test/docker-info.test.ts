import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseBridgeMtu, parseDockerInfo, parseRootlessKitInfo, parseVersionComponent } from '../src/docker-info.ts'
import { parseRootlessKitArguments } from '../src/rootlesskit-arguments.ts'

const INFO = {
  ServerVersion: '20.10.24+dfsg1',
  Driver: 'overlay2',
  DockerRootDir: '/home/moby/.local/share/docker',
  SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'],
  CgroupDriver: 'none',
  CgroupVersion: '1',
  MemoryLimit: false,
  CpuCfsQuota: false,
  PidsLimit: false,
  CPUSet: false,
  Warnings: null,
  RuncCommit: { ID: '1.1.5+ds1-1+deb12u1', Expected: '1.1.5+ds1-1+deb12u1' },
}

test('an answer of 20.10 is read', () => {
  expect(parseDockerInfo(JSON.stringify(INFO))).toEqual({
    version: '20.10.24+dfsg1',
    rootless: true,
    driver: 'overlay2',
    rootDirectory: '/home/moby/.local/share/docker',
    cgroupDriver: 'none',
    cgroupVersion: '1',
    applies: { memory: false, cpu: false, pids: false, cpuset: false },
    warnings: [],
    runc: '1.1.5+ds1-1+deb12u1',
  })
})

test.each([
  ['a rootful daemon', { SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'] }],
  ['no options at all', { SecurityOptions: null }],
  ['a profile that is called rootless', { SecurityOptions: ['name=seccomp,profile=name=rootless'] }],
])('%s is not rootless', (_, change) => {
  expect(parseDockerInfo(JSON.stringify({ ...INFO, ...change }))).toMatchObject({ rootless: false })
})

test.each([
  ['the zeros that a client prints without a daemon', JSON.stringify({ ...INFO, ServerVersion: '' })],
  ['an empty object', '{}'],
  ['cut', JSON.stringify(INFO).slice(0, 90)],
  ['nothing', ''],
  ['a page', '<html>not found</html>'],
  ['a list', '[]'],
  ['null', 'null'],
  ['other types', JSON.stringify({ ...INFO, Driver: 7 })],
])('%s is refused with its reason', (_, text) => {
  expect(parseDockerInfo(text)).toMatch(/^(?:no JSON|not what Docker answers): /u)
})

test('control characters of a name never come through', () => {
  const parsed = parseDockerInfo(JSON.stringify({ ...INFO, Driver: '\u001b[31moverlay2\u0007', Warnings: ['\u001b]0;x\u0007'] }))
  if (typeof parsed === 'string') throw new Error(parsed)
  expect([parsed.driver, ...parsed.warnings].join('')).not.toMatch(/[\u0000-\u001f\u007f]/u)
})

test.each([
  [
    'rootlesskit of 26.1',
    { Name: 'rootlesskit', Version: '2.0.2', Details: { NetworkDriver: 'slirp4netns', PortDriver: 'builtin' } },
    { version: '2.0.2', networkDriver: 'slirp4netns', portDriver: 'builtin' },
  ],
  [
    'pasta, whose port driver is not named',
    { Name: 'rootlesskit', Version: '2.0.2', Details: { NetworkDriver: 'pasta' } },
    { version: '2.0.2', networkDriver: 'pasta', portDriver: null },
  ],
  ['20.10, which lists none', { Name: 'runc', Version: '1.1.5', Details: {} }, null],
])('GET /version: %s', (_, component, expected) => {
  expect(
    parseVersionComponent(JSON.stringify({ Components: [{ Name: 'Engine', Version: '1', Details: {} }, component] })),
  ).toEqual(expected)
})

test.each([
  [
    'slirp4netns',
    '{"stateDir":"/tmp/r","networkDriver":{"driver":"slirp4netns"},"portDriver":{"driver":"builtin","protos":["tcp"]}}',
    { version: null, networkDriver: 'slirp4netns', portDriver: 'builtin' },
  ],
  [
    'host: both keys are absent',
    '{"stateDir":"/tmp/r","version":"1.1.0"}',
    { version: '1.1.0', networkDriver: null, portDriver: null },
  ],
])('GET /v1/info: %s', (_, text, expected) => {
  expect(parseRootlessKitInfo(text)).toEqual(expected)
})

test.each([
  [
    'the parent',
    ['rootlesskit', '--net=slirp4netns', '--mtu=65520', '--port-driver=builtin', 'dockerd-rootless.sh'],
    { net: 'slirp4netns', portDriver: 'builtin', mtuBytes: 65_520 },
  ],
  ['the child', ['/proc/self/exe', '--net=pasta', 'x'], { net: 'pasta', portDriver: null, mtuBytes: null }],
  ['another program with such a word', ['/bin/sh', '--net=slirp4netns'], null],
  ['no network word', ['rootlesskit', 'sh'], null],
])('arguments of RootlessKit: %s', (_, words, expected) => {
  expect(parseRootlessKitArguments(`${words.join('\0')}\0`)).toEqual(expected)
})

test.each([
  ['{"Name":"bridge","Options":{"com.docker.network.driver.mtu":"1500"}}', 1500],
  ['{"Name":"bridge","Options":{}}', null],
  ['{"Name":"bridge","Options":null}', null],
  ['{"Name":"bridge","Options":{"com.docker.network.driver.mtu":"-1"}}', null],
  ['{"message":"network bridge not found"}', null],
])('GET /networks/bridge %s', (text, expected) => {
  expect(parseBridgeMtu(text)).toBe(expected)
})

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.json(),
  fc.json().map((text) => text.slice(0, -2)),
)

test('rubbish never breaks a parser, and is never rootless Docker', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(typeof parseDockerInfo(text)).toBe('string')
      expect(typeof parseRootlessKitInfo(text)).toBe('string')
      expect(parseVersionComponent(text)).toBeNull()
      expect(parseBridgeMtu(text)).toBeNull()
      expect(parseRootlessKitArguments(text)).toBeNull()
    }),
    { numRuns: 1000 },
  )
})

test('an answer with any one field replaced is read or refused, and never throws', () => {
  const fields = Object.keys(INFO)
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.jsonValue(), (field, value) => {
      const parsed = parseDockerInfo(JSON.stringify({ ...INFO, [field]: value }))
      if (typeof parsed !== 'string') expect(parsed.version).toMatch(/^\d+\.\d+/u)
    }),
    { numRuns: 1000 },
  )
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  findShortfalls,
  parseRequirement,
  REQUIREMENT_WORDS,
  RootlessError,
  supported,
  unknown,
  type Requirement,
} from '../src/index.ts'
import { createCapabilities, FIX } from './fixtures.ts'

test.each<readonly [string, Requirement]>([
  ['cgroup=v2', { cgroup: ['v2'] }],
  ['networking=pasta|slirp4netns', { networking: ['pasta', 'slirp4netns'] }],
  ['limits=memory+pids', { limits: ['memory', 'pids'] }],
  ['limits=memory,limits=pids', { limits: ['memory', 'pids'] }],
  ['properties=publish,properties=udp+ping', { properties: ['publish', 'udp', 'ping'] }],
  ['storage=overlay , manager = systemd|cgroupfs', { storage: ['overlay'], manager: ['systemd', 'cgroupfs'] }],
])('%s is read', (text, expected) => {
  expect(parseRequirement(text)).toEqual(expected)
})

test.each(Object.entries(REQUIREMENT_WORDS).flatMap(([key, words]) => words.map((word) => `${key}=${word}`)))(
  'every word of our vocabulary can be required: %s',
  (text) => {
    expect(Object.entries(parseRequirement(text)).map(([key, words]) => `${key}=${words.join('|')}`)).toEqual([text])
  },
)

test.each([
  ['', '""', 'networking, storage, cgroup, manager, limits, properties'],
  ['network=pasta', '"network"', 'networking, storage, cgroup'],
  ['constructor=v2', '"constructor"', 'networking'],
  ['__proto__=v2', '"__proto__"', 'networking'],
  ['cgroup', 'cgroup cannot be ""', 'v2, hybrid, v1'],
  ['cgroup=', 'cgroup cannot be ""', 'v2, hybrid, v1'],
  ['cgroup=v3', 'cgroup cannot be "v3"', 'v2, hybrid, v1'],
  ['cgroup=V2', 'cgroup cannot be "V2"', 'v2, hybrid, v1'],
  ['cgroup=v2+v1', 'cgroup cannot be "v2+v1"', 'v2, hybrid, v1'],
  ['limits=memory|pids', 'limits cannot be "memory|pids"', 'memory, cpu, pids, io, cpuset'],
  ['cgroup=v2,', '""', 'networking'],
  ['cgroup=v2,cgroup=v1', 'cgroup is required twice', 'join alternatives by |'],
  ['cgroup=v2=v1', 'v1', 'v2, hybrid, v1'],
])('%j is refused, with the word and the known ones', (text, word, known) => {
  const error = toError(() => parseRequirement(text))
  expect(error.code).toBe('INVALID_ARGUMENT')
  expect(error.message).toContain(word)
  expect(error.message).toContain(known)
})

function toError(work: () => unknown): RootlessError {
  try {
    work()
  } catch (error) {
    if (error instanceof RootlessError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const known: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(REQUIREMENT_WORDS))
const pieces = [...known.keys(), ...[...known.values()].flat(), '=', ',', '|', '+', ' ', '\u001b', '\u009b', '']
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((words) => words.join('')),
)

test('any text is a requirement of known words, or INVALID_ARGUMENT', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const outcome = attempt(text)
      if (outcome instanceof RootlessError) expect(outcome.code).toBe('INVALID_ARGUMENT')
      else {
        for (const [key, words] of Object.entries(outcome)) {
          expect(words.length).toBeGreaterThan(0)
          expect(words.filter((word: string) => known.get(key)?.includes(word) !== true)).toEqual([])
        }
      }
    }),
    { numRuns: 3000 },
  )
})

test('what a refusal quotes is safe to show and short', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: 'binary', minLength: 2000, maxLength: 3000 })), (text) => {
      const outcome = attempt(text)
      if (!(outcome instanceof RootlessError)) return
      expect(outcome.message).not.toMatch(/\p{Cc}/u)
      expect(outcome.message.length).toBeLessThan(2000)
    }),
    { numRuns: 1000 },
  )
})

function attempt(text: string): Requirement | RootlessError {
  try {
    return parseRequirement(text)
  } catch (error) {
    if (error instanceof RootlessError) return error
    throw error
  }
}

const capabilities = createCapabilities()

test.each([
  ['nothing', ''],
  ['the driver in use', 'networking=slirp4netns'],
  ['one of two drivers', 'networking=pasta|slirp4netns'],
  ['limits that hold', 'limits=memory+pids'],
  ['properties that hold', 'properties=publish+udp'],
])('%s is met', (_, text) => {
  expect(findShortfalls(capabilities, text === '' ? {} : parseRequirement(text))).toEqual([])
})

test.each([
  ['a driver that is not installed', 'networking=pasta', ['slirp4netns is in use', 'pasta is not installed'], FIX],
  ['a driver that could be chosen', 'networking=host', ['slirp4netns is in use', 'host could be chosen'], undefined],
  ['a driver that nobody asked for', 'networking=gvisor-tap-vsock', ['nobody asked'], undefined],
  ['a layout that the host does not have', 'cgroup=hybrid|v1', ['v2 is in use', 'booted with cgroup v2'], undefined],
  ['another manager', 'manager=pam', ['systemd is in use', 'libpam-cgfs is not called'], undefined],
  ['another storage', 'storage=btrfs', ['overlay is in use', 'not on btrfs'], undefined],
  ['a limit that does not bite', 'limits=io', ['the io controller is not delegated'], FIX],
  ['a limit that nobody could look at', 'limits=cpuset', ['nobody could look'], undefined],
  ['a property that does not hold', 'properties=publish-privileged', ['ports below 1024'], undefined],
])('%s is a shortfall with its reason and its fix', (_, text, words, fix) => {
  const [shortfall, ...rest] = findShortfalls(capabilities, parseRequirement(text))
  expect(rest).toEqual([])
  expect(shortfall?.asked).toBe(text)
  expect(shortfall?.fix).toEqual(fix)
  for (const word of words) expect(shortfall?.reason).toContain(word)
})

test('each part that is lacking is a shortfall of its own', () => {
  const asked = findShortfalls(capabilities, parseRequirement('networking=pasta,storage=overlay,limits=io+memory+cpuset'))
  expect(asked.map((each) => each.asked)).toEqual(['networking=pasta', 'limits=io', 'limits=cpuset'])
})

test('a driver in use that is unknown meets nothing', () => {
  const unsure = createCapabilities({ networking: { driver: unknown('podman info timed out') } })
  expect(findShortfalls(unsure, { networking: ['slirp4netns'] })[0]?.reason).toContain('podman info timed out')
})

test('a limit is met by a finding that is supported, and by no other', () => {
  const none = createCapabilities().cgroup.limits
  const met = createCapabilities({ cgroup: { limits: { ...none, io: supported(true, 'io.max') } } })
  expect(findShortfalls(met, { limits: ['io'] })).toEqual([])
})

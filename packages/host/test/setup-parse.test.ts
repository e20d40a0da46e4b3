import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findFreeRangeStart, isUserName, parseSubordinateIds, parseTakenIds, toFreeUserId } from '../src/setup/accounts.ts'
import { parseDistribution } from '../src/setup/distribution.ts'
import { toDockerAnswer } from '../src/setup/ping-docker.ts'
import { quoteShellWord } from '../src/setup/quote-shell-word.ts'
import { parseAccount } from '../src/setup/read-accounts.ts'
import { parseCgroupLayout, parseInstalledPackages } from '../src/setup/read-setup-state.ts'
import { choosesRuntime, grantsBridge, mapsIds, toIdMapLines, toLxcDefaultConf } from '../src/setup/user-files.ts'

const RUNS = { numRuns: 1000 }
const rubbish = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(':', '\n', '=', ' ', '0', '9', 'a', '[', ']', '"'), maxLength: 80 }),
)

test('the LXC configuration of the user maps ids and asks for no AppArmor profile, which only root may load', () => {
  const range = { who: 'moby', start: 100_000, count: 65_536 }
  const lines = toLxcDefaultConf(toIdMapLines(range, range)).split('\n')
  expect(mapsIds(lines.join('\n'))).toBe(true)
  // The last word of a key counts, and the included file has one of its own.
  expect(lines.indexOf('lxc.apparmor.profile = unconfined')).toBeGreaterThan(lines.indexOf('lxc.include = /etc/lxc/default.conf'))
})

describe('text of the host that could be anything', () => {
  test('crashes no parser and grants nothing', () => {
    fc.assert(
      fc.property(rubbish, (text) => {
        parseDistribution(text)
        parseTakenIds(text)
        choosesRuntime(text)
        expect(parseInstalledPackages(text).size).toBe(0)
        expect(parseCgroupLayout(text)).toBeUndefined()
        expect(grantsBridge(text, 'moby')).toBe(false)
        expect(mapsIds(text)).toBe(false)
        expect(toDockerAnswer(text)).toBe('none')
        expect(parseAccount(text, 'moby')).toBeUndefined()
        for (const { start, count } of parseSubordinateIds(text)) expect(Number.isSafeInteger(start + count)).toBe(true)
      }),
      RUNS,
    )
  })

  test('leaves a free range that overlaps no other', () => {
    const range = fc.record({ who: fc.constant('a'), start: fc.nat(3_000_000), count: fc.nat(200_000) })
    fc.assert(
      fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
        const start = findFreeRangeStart(ranges)
        if (start === undefined) throw new Error('there was room')
        expect(
          ranges.filter((other) => other.count > 0 && other.start < start + 65_536 && start < other.start + other.count),
        ).toEqual([])
      }),
      RUNS,
    )
  })

  test('leaves a free user id that nobody has', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 990, max: 1020 })), (taken) => {
        expect(taken).not.toContain(toFreeUserId(taken))
      }),
      RUNS,
    )
  })
})

test.each([
  ['moby', true],
  ['_moby-1', true],
  ['machine$', true],
  ['', false],
  ['-rf', false],
  ['Moby', false],
  ['mo by', false],
  ['moby\n', false],
  ['../etc', false],
  ['$(id)', false],
  ['a'.repeat(33), false],
])('%j as a user name: %j', (name, expected) => {
  expect(isUserName(name)).toBe(expected)
})

test.each([
  ['moby:x:1000:1000:Moby,,,:/home/moby:/bin/bash\n', { name: 'moby', uid: 1000, gid: 1000, home: '/home/moby' }],
  ['moby:x:1000:1000::/home/moby/:/bin/sh', { name: 'moby', uid: 1000, gid: 1000, home: '/home/moby' }],
  ['other:x:1000:1000::/home/moby:/bin/sh', undefined],
  ['moby:x:-1:1000::/home/moby:/bin/sh', undefined],
  ['moby:x:1000:1000::home/moby:/bin/sh', undefined],
  ['moby:x:1000:1000::/:/bin/sh', undefined],
  ['moby:x:1000:1000::/home/../etc:/bin/sh', undefined],
  ['moby:x:1000:1000::/home/\u001b[2J:/bin/sh', undefined],
])('the passwd line %j', (line, expected) => {
  expect(parseAccount(line, 'moby')).toEqual(expected)
})

test.each([
  ['HTTP/1.0 200 OK\r\nServer: Docker/20.10.24+dfsg1 (linux)\r\n\r\nOK', 'docker'],
  ['HTTP/1.1 200 OK\r\nServer: Libpod/4.3.1 (linux)\r\n\r\nOK', 'other-engine'],
  ['HTTP/1.1 500 Internal Server Error\r\nServer: Docker/20.10.24\r\n\r\n', 'none'],
  ['HTTP/1.1 200 OK\r\n\r\nServer: Docker/20.10', 'other-engine'],
  ['', 'none'],
] as const)('the answer %j to a ping is one of %s', (answer, expected) => {
  expect(toDockerAnswer(answer)).toBe(expected)
})

test('os-release is read with and without quotes', () => {
  const text = 'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n'
  expect(parseDistribution(text)).toEqual({
    id: 'ubuntu',
    idLike: ['debian'],
    versionId: '24.04',
    prettyName: 'Ubuntu 24.04.1 LTS',
  })
})

test.each([
  ['cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n', 'v2'],
  ['cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n', 'hybrid'],
  ['cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n', 'v1'],
  ['proc /proc proc rw 0 0\n', undefined],
])('the mounts %j are %s', (mounts, expected) => {
  expect(parseCgroupLayout(mounts)).toBe(expected)
})

test('a shell reads every quoted word back unchanged', () => {
  const word = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '*', '~', '-', 'a', ';'), maxLength: 20 }),
  )
  const wellFormed = word.filter((text) => !text.includes('\0') && text.isWellFormed())
  fc.assert(
    fc.property(fc.array(wellFormed, { minLength: 1, maxLength: 8 }), (words) => {
      const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(quoteShellWord).join(' ')}`], { encoding: 'utf8' })
      expect(printed.split('\0').slice(0, -1)).toEqual(words)
    }),
    { numRuns: 250 },
  )
})

test('a NUL character is refused', () => {
  expect(() => quoteShellWord('a\0b')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

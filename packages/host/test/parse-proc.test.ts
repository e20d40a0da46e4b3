import fc from 'fast-check'
import { findMount, parseMountInfo } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import {
  parseLxcUsernet,
  parseOsRelease,
  parseOwnCgroups,
  parsePamCgfs,
  parseSubordinateIds,
  parseToolVersion,
} from '../src/parse-proc.ts'

const moby = { name: 'moby', uid: 1003 }

test.each([
  ['slirp4netns', 'slirp4netns version 1.2.0\ncommit: x', '1.2.0'],
  [
    'pasta',
    'pasta 0.0~git20230309.7c7625d-1+deb12u1\nCopyright https://www.gnu.org/licenses/gpl-3.0.html',
    '0.0~git20230309.7c7625d-1+deb12u1',
  ],
  ['fuse-overlayfs', 'fuse-overlayfs: version 1.10\nFUSE library version 3.14.0', '1.10'],
  ['crun', 'crun version 1.8.1\ncommit: f8a096', '1.8.1'],
  ['vpnkit', 'no words of its own', null],
])('%s tells its version', (name, text, expected) => {
  expect(parseToolVersion(name, text)).toBe(expected)
})

test('subordinate ids are those of the user, by name or number, and whole', () => {
  const text = 'other:1:2\nmoby:231072:65536\n1003:400000:10\nmoby:x:1\nmoby:5\n# moby:1:1\nmoby:7:0'
  expect(parseSubordinateIds(text, moby)).toEqual([
    { start: 231072, count: 65536 },
    { start: 400000, count: 10 },
  ])
})

test('lxc-usernet lines are read, comments are not', () => {
  expect(parseLxcUsernet('# moby veth lxcbr0 1\nmoby veth lxcbr0 10\n@lxc veth br0 2\nmoby veth')).toEqual([
    { who: 'moby', type: 'veth', bridge: 'lxcbr0', count: 10 },
    { who: '@lxc', type: 'veth', bridge: 'br0', count: 2 },
  ])
})

test('a path is on the deepest mount that leads to it, and blanks in mount points are unescaped', () => {
  const mounts = parseMountInfo(
    '22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:5 / /home rw,noexec - nfs4 server:/x rw\n31 22 0:6 / /with\\040blank rw shared:1 - tmpfs tmpfs rw',
  )
  expect(findMount(mounts, '/home/moby')?.type).toBe('nfs4')
  expect(findMount(mounts, '/homes/moby')?.type).toBe('ext4')
  expect(findMount(mounts, '/with blank/x')?.type).toBe('tmpfs')
})

test('own cgroups are read for v1 and v2', () => {
  expect(parseOwnCgroups('4:memory:/user\n1:name=systemd:/\n0::/user.slice/x')).toEqual([
    { controllers: ['memory'], path: '/user' },
    { controllers: ['name=systemd'], path: '/' },
    { controllers: [], path: '/user.slice/x' },
  ])
})

test.each([
  ['session optional pam_cgfs.so -c freezer,memory,name=systemd', ['freezer', 'memory', 'name=systemd']],
  ['# session optional pam_cgfs.so -c memory', undefined],
  ['session required pam_unix.so', undefined],
])('%j hands out %j', (text, expected) => {
  expect(parsePamCgfs(text)).toEqual(expected)
})

test('os-release is read quoted or not', () => {
  expect(parseOsRelease('ID=debian\nPRETTY_NAME="Debian 12"\nbroken').get('PRETTY_NAME')).toBe('Debian 12')
})

const NUMBER_OF_RUNS = 1000
const rubbish = fc.string({ unit: 'binary', maxLength: 400 })

/** Lines made of a format's own words in any order, where a parser is most easily led astray. */
function linesOf(...words: readonly string[]): fc.Arbitrary<string> {
  const line = fc.array(fc.constantFrom(...words, ' ', ':', '', '0', '-1', '99999999999', '\u001b[31m', '\u0000'), {
    maxLength: 9,
  })
  return fc
    .array(
      line.map((parts) => parts.join('')),
      { maxLength: 8 },
    )
    .map((lines) => lines.join('\n'))
}

function everyText(text: fc.Arbitrary<string>, check: (text: string) => void): void {
  fc.assert(fc.property(fc.oneof(rubbish, text), check), { numRuns: NUMBER_OF_RUNS })
}

test('subordinate ids out of rubbish are whole numbers that the kernel could map', () => {
  everyText(linesOf('moby', '1003', '65536', '#'), (text) => {
    for (const { start, count } of parseSubordinateIds(text, moby)) {
      expect(Number.isSafeInteger(start) && start >= 0).toBe(true)
      expect(Number.isSafeInteger(count) && count > 0).toBe(true)
    }
  })
})

test('subordinate ids out of rubbish are never those of another user', () => {
  everyText(linesOf('other', '1004', '65536'), (text) => {
    const ranges = parseSubordinateIds(text, moby)
    expect(ranges.length === 0 || /moby|1003/u.test(text)).toBe(true)
  })
})

test('lxc-usernet out of rubbish has words without blanks and a count', () => {
  everyText(linesOf('moby', '@lxc', 'veth', 'lxcbr0', '10', '#', '\t'), (text) => {
    for (const { who, type, bridge, count } of parseLxcUsernet(text)) {
      expect([who, type, bridge].filter((word) => /\s/u.test(word))).toEqual([])
      expect(who.startsWith('#')).toBe(false)
      expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
    }
  })
})

test('own cgroups out of rubbish have absolute paths', () => {
  everyText(linesOf('4', 'memory', 'name=systemd', '/', '/user.slice', ','), (text) => {
    for (const { path, controllers } of parseOwnCgroups(text)) {
      expect(path.startsWith('/')).toBe(true)
      expect(controllers.join(',')).not.toContain(':')
    }
  })
})

test('mounts out of rubbish have a type and a mount point, and a path is on one that leads to it', () => {
  everyText(linesOf('22 1 254:0 / / rw - ext4 /dev/vda rw', ' - ', '/home', 'rw', 'nfs4', '\\040', '\\777'), (text) => {
    const mounts = parseMountInfo(text)
    for (const { type } of mounts) expect(type).not.toBe('')
    const found = findMount(mounts, '/home/moby')
    if (found !== undefined) expect(`/home/moby/`.startsWith(found.mountPoint)).toBe(true)
  })
})

test('os-release out of rubbish has only keys of its own form', () => {
  everyText(linesOf('ID', 'PRETTY_NAME', '=', '"', "'", 'debian', '__proto__'), (text) => {
    for (const key of parseOsRelease(text).keys()) expect(key).toMatch(/^[A-Z_]+$/u)
  })
})

test('pam_cgfs is found only where a line calls it', () => {
  everyText(linesOf('session', 'optional', 'pam_cgfs.so', '-c', 'memory,name=systemd', '#'), (text) => {
    const controllers = parsePamCgfs(text)
    expect(controllers === undefined || text.includes('pam_cgfs.so')).toBe(true)
    expect((controllers ?? []).join(',')).not.toMatch(/\s/u)
  })
})

test('a version out of rubbish begins with a number, is short and safe to show', () => {
  everyText(linesOf('pasta', 'version', '0.0~git1', 'v1.2', '1.2\u009b', 'commit'), (text) => {
    const version = parseToolVersion('pasta', text)
    if (version === null) return
    expect(version).toMatch(/^\d/u)
    expect(version).not.toMatch(/\p{Cc}/u)
    expect(text).toContain('pasta')
  })
})

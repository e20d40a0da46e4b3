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

test('rubbish never breaks a parser', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      for (const range of parseSubordinateIds(text, moby)) expect(range.count).toBeGreaterThan(0)
      for (const line of parseLxcUsernet(text)) expect(Number.isInteger(line.count)).toBe(true)
      for (const group of parseOwnCgroups(text)) expect(group.path.startsWith('/')).toBe(true)
      expect(Array.isArray(parseMountInfo(text))).toBe(true)
      expect(parseOsRelease(text)).toBeInstanceOf(Map)
      parsePamCgfs(text)
      parseToolVersion('pasta', text)
    }),
    { numRuns: 1000 },
  )
})

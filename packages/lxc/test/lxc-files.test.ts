import { describe, expect, test } from 'vitest'
import { toOwnedMaps } from '../src/lxc-idmap.ts'
import { parseLinkedFiles, toInsideProgram } from '../src/lxc-inside.ts'
import { toMappedProgram, withOwnIds } from '../src/lxc-mapped.ts'
import { toRouteCommands } from '../src/lxc-members.ts'
import { listMountsBelow, sortByDepth, toMountLine, type PlannedMount } from '../src/lxc-mount-lines.ts'
import { toHostsFile, toResolverFile } from '../src/lxc-network-files.ts'
import { isOverlayPath, keepsOverlayOptions } from '../src/lxc-overlay.ts'
import { toArguments } from '../src/lxc-pasta.ts'
import { needsRelay } from '../src/lxc-publish.ts'
import { findOwnIds } from '../src/lxc-rootfs-base.ts'
import { parseAnswer } from '../src/lxc-slirp.ts'
import { findDataFolder } from '../src/lxc-store.ts'

const BASE = [
  { kind: 'u', inside: 0, outside: 100_000, count: 65_536 },
  { kind: 'g', inside: 0, outside: 100_000, count: 65_536 },
] as const
const ME = { uid: 1001, gid: 1002 }

/** The maps in the words of lxc.idmap. */
function show(maps: ReturnType<typeof toOwnedMaps>): readonly string[] {
  return maps.map(({ kind, inside, outside, count }) => `${kind} ${inside} ${outside} ${count}`)
}

describe('maps of ids', () => {
  test('the first id of a map becomes mine, and every other keeps its place', () => {
    expect(show(toOwnedMaps(BASE, { uid: 0, gid: 0 }, ME))).toEqual([
      'u 0 1001 1',
      'u 1 100001 65535',
      'g 0 1002 1',
      'g 1 100001 65535',
    ])
  })

  test('one in the middle and the last one become mine', () => {
    expect(show(toOwnedMaps(BASE, { uid: 1000, gid: 65_535 }, ME))).toEqual([
      'u 0 100000 1000',
      'u 1000 1001 1',
      'u 1001 101001 64535',
      'g 0 100000 65535',
      'g 65535 1002 1',
    ])
  })

  test('one that nothing maps is added', () => {
    expect(show(toOwnedMaps(BASE, { uid: 70_000, gid: 0 }, ME))).toContain('u 70000 1001 1')
  })

  test('my own ids stand above the others, once', () => {
    const maps = withOwnIds(BASE, ME)
    expect(show(maps).slice(2)).toEqual(['u 65536 1001 1', 'g 65536 1002 1'])
    expect(withOwnIds(maps, ME)).toEqual(maps)
  })

  test('ids that took the place of others are found, and those above are none', () => {
    expect(findOwnIds(toOwnedMaps(BASE, { uid: 1000, gid: 0 }, ME), BASE, ME)).toEqual({ uid: 1000, gid: 0 })
    expect(findOwnIds(withOwnIds(BASE, ME), BASE, ME)).toEqual({ uid: null, gid: null })
  })

  test('a command is run by a shell that says which signal ended it', () => {
    expect(toMappedProgram(BASE, ['tar', '-x'])).toEqual({
      file: 'lxc-usernsexec',
      arguments: ['-m', 'u:0:100000:65536', '-m', 'g:0:100000:65536', '--', 'sh', '-c', '"$@"; exit $?', 'sh', 'tar', '-x'],
    })
  })
})

function mountOf(source: string, target: string): PlannedMount {
  return { source, target, kind: 'directory', fileSystem: 'none', options: ['rbind', 'ro'] }
}

describe('lines of mounts', () => {
  test.each([
    ['a plain path', '/data', '/data', '/data data'],
    ['blanks and tabs', '/my data\there', '/in side', '/my\\040data\\011here in\\040side'],
    ['a line break, which would be a line of its own', '/a\nlxc.cap.drop =', '/b', '/a\\012lxc.cap.drop\\040= b'],
    ['a backslash, which begins an escape', '/a\\040b', '/c\\d', '/a\\134040b c\\134d'],
    ['commas, colons, quotes and a comment', '/a,b:"c"\'#d', '/e,#f', '/a,b:"c"\'#d e,#f'],
  ])('hold %s', (_, source, target, paths) => {
    expect(toMountLine(mountOf(source, target))).toBe(`lxc.mount.entry = ${paths} none rbind,ro 0 0`)
  })

  test.each([
    ['a zero', '/a\0b', '/c'],
    ['a carriage return', '/a', '/b\rc'],
    ['the root as target', '/a', '/'],
  ])('refuse %s', (_, source, target) => {
    expect(() => toMountLine(mountOf(source, target))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  test('parents stand before what is mounted in them', () => {
    const sorted = sortByDepth([mountOf('/1', '/a/b/c'), mountOf('/2', '/a'), mountOf('/3', '/a/b')])
    expect(sorted.map(({ target }) => target)).toEqual(['/a', '/a/b', '/a/b/c'])
  })

  test('mounts below a folder are listed once, parents first, and neighbours of a like name are not', () => {
    const points = ['/', '/a', '/a/c/d', '/a/b', '/ab', '/a/b', '/other']
    expect(listMountsBelow('/a', points)).toEqual(['/a/b', '/a/c/d'])
    expect(listMountsBelow('/', ['/', '/x'])).toEqual(['/x'])
  })
})

describe('programs of the host on the root of a container', () => {
  test('the loader and the folders of the libraries are read from ldd', () => {
    const text = [
      '\tlinux-vdso.so.1 (0x00007faecff9c000)',
      '\tlibacl.so.1 => /lib/x86_64-linux-gnu/libacl.so.1 (0x00007faecfefc000)',
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007faecfcec000)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007faecff9e000)',
    ].join('\n')
    expect(parseLinkedFiles(text)).toEqual({
      loader: '/lib64/ld-linux-x86-64.so.2',
      libraries: ['/lib/x86_64-linux-gnu/libacl.so.1', '/lib/x86_64-linux-gnu/libc.so.6'],
    })
    expect(parseLinkedFiles('\tnot a dynamic executable\n')).toEqual({ loader: null, libraries: [] })
  })

  test('a running container is entered by its first process, with the working directory of the host', () => {
    const program = toInsideProgram({ pid: 42, idMaps: BASE }, { folder: '/root' }, ['./usr/bin/tar', '-x'])
    expect(program.arguments.join(' ')).toBe('-t 42 --user --root --wd=/ -S 0 -G 0 -- ./usr/bin/tar -x')
  })

  test('an ended one is put together in a mount namespace of its own', () => {
    const view = { overlay: 'lowerdir=/l', mountPoint: '/m' }
    const words = toInsideProgram({ pid: null, idMaps: BASE }, view, ['./usr/bin/tar']).arguments
    expect(words.slice(-5)).toEqual(['nsenter', '--root=/m', '--wd=/', '--', './usr/bin/tar'])
    expect(words).toContain('unshare')
  })
})

describe('overlays', () => {
  test.each(['/a:b', '/a,b', '/a b', '/a\\b', '/a"b'])('a path as %s is none that an overlay takes', (path) => {
    expect(isOverlayPath(path)).toBe(false)
  })

  test('LXC before 5.0 leaves the options out', () => {
    expect(['4.0.6', '5.0.2', '6.0.4'].map(keepsOverlayOptions)).toEqual([false, true, true])
    expect(isOverlayPath('/home/me/.local/share')).toBe(true)
  })
})

describe('files and answers of networks', () => {
  test('hosts has the loopback, and each name once', () => {
    expect(toHostsFile([{ address: '10.89.0.1', names: ['one', 'host', 'one'] }])).toBe(
      '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.89.0.1\tone host\n',
    )
  })

  test('resolv.conf keeps what the host searches, and not its name servers', () => {
    const host = '# made by hand\nnameserver 127.0.0.53\nsearch example.org\noptions edns0\n'
    expect(toResolverFile(host, ['10.0.2.3'])).toBe('search example.org\noptions edns0\nnameserver 10.0.2.3\n')
    expect(toResolverFile('', ['10.0.2.3'])).toBe('nameserver 10.0.2.3\n')
  })

  test('a member has a route to every other of its network, and none to anybody else', () => {
    const members = [{ address: '10.89.0.1' }, { address: '10.89.0.2' }]
    const lines = toRouteCommands({ address: '10.89.0.1' }, members, '10.89.0.3').split('\n')
    expect(lines).toContain('route replace unreachable 10.89.0.0/16')
    expect(lines).toContain('route flush 10.89.0.3/32 dev eth0')
    expect(lines.filter((line) => line.startsWith('route replace 10'))).toEqual([
      'route replace 10.89.0.2/32 dev eth0 src 10.89.0.1',
    ])
  })

  test('what slirp4netns says is a yes, a no in its words, or unreadable', () => {
    expect(parseAnswer('{"return":{"id":1}}')).toBe(null)
    expect(parseAnswer('{"entries":[]}')).toBe(null)
    expect(parseAnswer('{"error":{"desc":"bad request: add_hostfwd: slirp_add_hostfwd failed"}}')).toContain('slirp_add_hostfwd')
    for (const said of ['', 'null', '{"return"', '[]'])
      expect(() => parseAnswer(said)).toThrow(expect.objectContaining({ code: 'ENGINE_OUTPUT_UNREADABLE' }))
  })

  test('pasta gives nothing of the loopback of the host, whatever is published', () => {
    const words = toArguments([{ container: 80, host: 8080, protocol: 'tcp', address: '::1' }], '/p').join(' ')
    expect(words).toContain('-t ::1/8080:80 -u none -T none -U none --no-map-gw')
  })

  test('UDP on the loopback, or everywhere, is carried by a relay', () => {
    const port = { container: 1, host: 2, protocol: 'udp', address: '127.0.0.1' } as const
    expect([port, { ...port, address: '0.0.0.0' }].every(needsRelay)).toBe(true)
    expect(
      [
        { ...port, protocol: 'tcp' as const },
        { ...port, address: '192.0.2.2' },
      ].some(needsRelay),
    ).toBe(false)
  })
})

test('a data folder that is not absolute is ignored', () => {
  expect(findDataFolder({ XDG_DATA_HOME: 'data' }, '/home/me')).toBe('/home/me/.local/share')
  expect(findDataFolder({ XDG_DATA_HOME: '/data' }, '/home/me')).toBe('/data')
})

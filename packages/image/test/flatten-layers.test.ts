import { execFileSync } from 'node:child_process'
import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeFolder, dir, extract, file, flatten, hard, link } from './extract-tar.ts'
import { makeFolder, paxEntry, rawEntry, tarOf, type RawEntry } from './image-fixtures.ts'

let folder = ''
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

async function flattened(...layers: readonly (readonly (RawEntry | Buffer)[])[]): Promise<readonly string[]> {
  return await describeFolder(
    await extract(
      await flatten(
        layers.map((layer) => tarOf(...layer)),
        folder,
      ),
      join(folder, 'flat'),
    ),
  )
}

describe('layers on each other', () => {
  test('the later one wins', async () => {
    expect(await flattened([file('a', '1'), file('b', '1')], [file('a', '2')])).toEqual(['a 644 2', 'b 644 1'])
  })

  test('a folder takes its permissions from the last, and keeps what is in it', async () => {
    expect(await flattened([dir('d', 0o700), file('d/a', '1')], [dir('d', 0o1777), file('d/b', '2')])).toEqual([
      'd/ 1777',
      'd/a 644 1',
      'd/b 644 2',
    ])
  })

  test('a whiteout hides a file, and a folder with all that is below it', async () => {
    expect(
      await flattened(
        [file('a', '1'), dir('d'), file('d/e/f', '1'), file('z', '1')],
        [file('.wh.a', ''), file('.wh.d', ''), file('.wh.absent', '')],
      ),
    ).toEqual(['z 644 1'])
  })

  test('what is hidden can come again, without what was below it', async () => {
    expect(await flattened([file('d/a', '1')], [file('.wh.d', '')], [file('d/b', '3')])).toEqual(['d/ 755', 'd/b 644 3'])
  })

  test('a whiteout hides what is below its layer and not what is in it, in either order', async () => {
    const lower = [dir('d'), file('d/old', '1'), file('d/sub/old', '1')]
    const upper = [dir('d', 0o700), file('d/new', '2'), file('d/sub/new', '2')]
    const expected = ['d/ 700', 'd/new 644 2', 'd/sub/ 755', 'd/sub/new 644 2']
    expect(await flattened(lower, [file('.wh.d', ''), ...upper])).toEqual(expected)
    await rm(join(folder, 'flat'), { recursive: true })
    expect(await flattened(lower, [...upper, file('.wh.d', '')])).toEqual(expected)
  })

  test('an opaque folder hides what is below it, in either order', async () => {
    const lower = [dir('d'), file('d/old', '1'), file('d/sub/old', '1')]
    const upper = [dir('d'), file('d/new', '2'), file('d/sub/new', '2')]
    const expected = ['d/ 755', 'd/new 644 2', 'd/sub/ 755', 'd/sub/new 644 2']
    expect(await flattened(lower, [file('d/.wh..wh..opq', ''), ...upper])).toEqual(expected)
    await rm(join(folder, 'flat'), { recursive: true })
    expect(await flattened(lower, [...upper, file('d/.wh..wh..opq', '')])).toEqual(expected)
  })

  test('an opaque root hides all before', async () => {
    expect(await flattened([file('a', '1')], [file('.wh..wh..opq', ''), file('b', '2')])).toEqual(['b 644 2'])
  })

  test('what AUFS kept for itself is left out', async () => {
    expect(await flattened([file('.wh..wh.aufs', ''), file('.wh..wh.plnk/1', ''), file('a', '1')])).toEqual(['a 644 1'])
  })

  test('a file takes the place of a folder, and a folder that of a file', async () => {
    expect(await flattened([dir('d'), file('d/a', '1'), file('f', '1')], [file('d', '2'), dir('f'), file('f/b', '2')])).toEqual([
      'd 644 2',
      'f/ 755',
      'f/b 644 2',
    ])
  })

  test('of two entries of one name in a layer the later one stays', async () => {
    expect(await flattened([file('a', '1'), file('./a', '2'), dir('d'), file('d/x', '1'), file('d', '2')])).toEqual([
      'a 644 2',
      'd 644 2',
    ])
  })
})

describe('hard links', () => {
  test('are one file', async () => {
    expect(await flattened([file('a', '1'), hard('b', 'a'), hard('d/c', './b')])).toEqual([
      'a 644 1',
      'b is a',
      'd/ 755',
      'd/c is b',
    ])
  })

  test('reach into a layer below', async () => {
    expect(await flattened([file('a', '1')], [hard('b', 'a')])).toEqual(['a 644 1', 'b is a'])
  })

  test('keep their file when the first name is hidden or written anew', async () => {
    expect(await flattened([file('a', '1'), hard('b', 'a'), hard('c', 'a')], [file('.wh.a', '')])).toEqual(['b 644 1', 'c is b'])
    await rm(join(folder, 'flat'), { recursive: true })
    expect(await flattened([file('a', '1'), hard('b', 'a')], [file('a', '2')])).toEqual(['a 644 2', 'b 644 1'])
  })

  test('to a symbolic link are that link', async () => {
    expect(await flattened([link('a', 'target'), hard('b', 'a')])).toEqual(['a -> target', 'b is a'])
  })
})

describe('paths through links', () => {
  test('lead where they lead inside, from the root', async () => {
    expect(await flattened([dir('usr/lib'), link('lib', 'usr/lib')], [file('lib/a', '2')])).toEqual([
      'lib -> usr/lib',
      'usr/ 755',
      'usr/lib/ 755',
      'usr/lib/a 644 2',
    ])
    await rm(join(folder, 'flat'), { recursive: true })
    expect(await flattened([link('x', '/etc'), file('x/passwd', 'root')])).toEqual([
      'etc/ 755',
      'etc/passwd 644 root',
      'x -> /etc',
    ])
  })

  test('a folder takes the place of a link to a folder', async () => {
    expect(await flattened([dir('usr/lib'), link('lib', 'usr/lib')], [dir('lib'), file('lib/a', '2')])).toEqual([
      'lib/ 755',
      'lib/a 644 2',
      'usr/ 755',
      'usr/lib/ 755',
    ])
  })

  test('no name in what is written leads through a link', async () => {
    const tar = await flatten(
      [tarOf(dir('real'), link('alias', 'real')), tarOf(file('alias/a', '2'), hard('b', 'alias/a'))],
      folder,
    )
    const names = execFileSync('tar', ['-t'], { input: tar }).toString().split('\n')
    expect(names.filter((name) => name !== '')).toEqual(['real/', 'alias', 'real/a', 'b'])
  })
})

describe('what an entry carries', () => {
  test('extended attributes are kept byte for byte; those that would steer the host are not', async () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000ff', 'hex')
    const tar = await flatten(
      [
        tarOf(
          paxEntry({
            'SCHILY.xattr.security.capability': capability,
            'SCHILY.xattr.user.note': 'kept\n',
            'SCHILY.xattr.user.overlay.redirect': '/etc',
            'SCHILY.xattr.trusted.overlay.opaque': 'y',
            'SCHILY.xattr.security.selinux': 'x',
          }),
          file('ping', 'x'),
        ),
      ],
      folder,
    )
    expect(tar.includes(Buffer.concat([Buffer.from('SCHILY.xattr.security.capability='), capability, Buffer.from('\n')]))).toBe(
      true,
    )
    expect(tar.includes('SCHILY.xattr.user.note=kept\n')).toBe(true)
    expect(tar.includes('overlay')).toBe(false)
    expect(tar.includes('selinux')).toBe(false)
  })

  test('names that are long, or of another encoding, stay as they are', async () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`
    const latin = rawEntry({ name: 'caf' })
    latin[3] = 0xe9
    latin.write(`${checksumOf(latin).toString(8).padStart(6, '0')}\0 `, 148)
    const target = await extract(
      await flatten([tarOf(paxEntry({ path: long }), file('short', '1'), latin)], folder),
      join(folder, 'flat'),
    )
    expect((await readFile(join(target, long), 'utf8')).length).toBe(1)
    expect((await readdir(target, { encoding: 'buffer' })).map((name) => name.toString('hex'))).toContain('636166e9')
  })

  test('owners, times and permissions are kept', async () => {
    const tar = await flatten(
      [tarOf(paxEntry({ uid: '3000000', gid: '5', mtime: '1700000000.5' }), { name: 'a', mode: 0o4755, content: '1' })],
      folder,
    )
    const listed = execFileSync('tar', ['-tv', '--numeric-owner', '--utc', '--full-time'], { input: tar }).toString()
    expect(listed).toMatch(/^-rwsr-xr-x 3000000\/5 +1 2023-11-14 22:13:20 a$/mu)
  })
})

function checksumOf(header: Buffer): number {
  return header.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0)
}

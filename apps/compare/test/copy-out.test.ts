import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { unpackInto } from '../src/containers/unpack.ts'

// A container may give any bytes at all as "the tar of /srv": nothing may be written outside of the folder that was named.

const base = mkdtempSync(join(tmpdir(), 'rootless-unpack-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))
let target = ''
let outside = ''
let count = 0

beforeEach(() => {
  count += 1
  target = join(base, String(count), 'target')
  outside = join(base, String(count), 'outside')
  mkdirSync(target, { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'mine')
})

interface Entry {
  readonly name: string
  readonly type?: string
  readonly link?: string
  readonly content?: string
  readonly mode?: number
}

/** One entry of a ustar archive, whatever it says. */
function toEntry({ name, type = '0', link = '', content = '', mode = 0o644 }: Entry): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100)
  header.write(mode.toString(8).padStart(7, '0'), 100)
  header.write('0000000', 108)
  header.write('0000000', 116)
  header.write(Buffer.byteLength(content).toString(8).padStart(11, '0'), 124)
  header.write('00000000000', 136)
  header.write(type, 156)
  header.write(link, 157, 100)
  header.write('ustar\u000000', 257)
  header.fill(' ', 148, 156)
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\u0000 `,
    148,
  )
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512)
  body.write(content)
  return Buffer.concat([header, body])
}

function toTar(...entries: readonly Entry[]): Readable {
  return Readable.from([...entries.map(toEntry), Buffer.alloc(1024)])
}

const { signal } = new AbortController()
const unpack = (tar: Readable, options: { readonly name?: string; readonly contents?: boolean } = {}): Promise<void> =>
  unpackInto(tar, { folder: target, signal, ...options })

const listOutside = (): readonly string[] =>
  readdirSync(outside).map((name) => `${name}: ${readFileSync(join(outside, name), 'utf8')}`)

describe('what is refused leaves nothing', () => {
  test.each<[string, (outside: string) => readonly Entry[]]>([
    ['a name above', () => [{ name: '../outside/evil', content: 'x' }]],
    [
      'a name above, in a folder',
      () => [
        { name: 'd/', type: '5', mode: 0o755 },
        { name: 'd/../../outside/evil', content: 'x' },
      ],
    ],
    [
      'more than one thing',
      () => [
        { name: 'a', content: 'x' },
        { name: 'b', content: 'x' },
      ],
    ],
    ['a hard link to a file outside', (path) => [{ name: 'a', type: '1', link: `${path}/secret` }]],
    ['a hard link above', () => [{ name: 'a', type: '1', link: '../outside/secret' }]],
    ['nothing', () => []],
  ])('%s', async (_, entries) => {
    await expect(unpack(toTar(...entries(outside)))).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    expect(readdirSync(target)).toEqual([])
    expect(listOutside()).toEqual(['secret: mine'])
  })

  test.each([
    ['no tar at all', Buffer.from('hello\n'.repeat(200))],
    ['a tar that is cut', Buffer.concat([toEntry({ name: 'a', content: 'x'.repeat(5000) })]).subarray(0, 2000)],
    ['a header that is wrong', Buffer.concat([toEntry({ name: 'a' }).fill(0xff, 148, 156), Buffer.alloc(1024)])],
  ])('%s', async (_, bytes) => {
    await expect(unpack(Readable.from([bytes]))).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    expect(readdirSync(target)).toEqual([])
  })

  test('a stream that breaks', async () => {
    const broken = Readable.from(
      (async function* () {
        yield toEntry({ name: 'a', content: 'x' })
        throw new Error('the engine hung up')
      })(),
    )
    await expect(unpack(broken)).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    expect(readdirSync(target)).toEqual([])
  })
})

describe('links', () => {
  test('a link to elsewhere is a link, and nothing is written through it', async () => {
    const tar = toTar(
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/out', type: '2', link: outside },
      { name: 'd/out/evil', content: 'x' },
    )
    await unpack(tar).catch(() => {})
    expect(listOutside()).toEqual(['secret: mine'])
  })

  test('a chain of links leads nowhere', async () => {
    const tar = toTar(
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/up', type: '2', link: '..' },
      { name: 'd/upper', type: '2', link: 'up/..' },
      { name: 'd/upper/outside/evil', content: 'x' },
    )
    await unpack(tar).catch(() => {})
    expect(listOutside()).toEqual(['secret: mine'])
  })

  test('a link that is there at the target is replaced, and not followed', async () => {
    symlinkSync(outside, join(target, 'd'))
    await expect(unpack(toTar({ name: 'd/', type: '5', mode: 0o755 }, { name: 'd/evil', content: 'x' }))).rejects.toMatchObject({
      code: 'HOST_REFUSED',
    })
    expect(listOutside()).toEqual(['secret: mine'])
    symlinkSync(join(outside, 'secret'), join(target, 'f'))
    await unpack(toTar({ name: 'f', content: 'theirs' }))
    expect(lstatSync(join(target, 'f')).isFile()).toBe(true)
    expect(listOutside()).toEqual(['secret: mine'])
  })

  test('a link within what is copied stays what it was', async () => {
    await unpack(
      toTar({ name: 'd/', type: '5', mode: 0o755 }, { name: 'd/a', content: 'x' }, { name: 'd/b', type: '2', link: 'a' }),
    )
    expect(readlinkSync(join(target, 'd/b'))).toBe('a')
  })
})

test('what follows the end of the archive is not waited for', async () => {
  const endless = Readable.from(
    (async function* () {
      yield Buffer.concat([toEntry({ name: 'a', content: 'x' }), Buffer.alloc(1024)])
      for (;;) yield Buffer.alloc(65_536)
    })(),
  )
  await unpack(endless)
  expect(readdirSync(target)).toEqual(['a'])
})

test('an absolute name is one below the target', async () => {
  await unpack(toTar({ name: '/etc-of-it', content: 'x' }))
  expect(readdirSync(target)).toEqual(['etc-of-it'])
})

test('no file is set-user-ID', async () => {
  await unpack(toTar({ name: 'su', content: 'x', mode: 0o6755 }))
  expect(statSync(join(target, 'su')).mode & 0o7000).toBe(0)
})

test('a folder is merged, and what was there stays', async () => {
  mkdirSync(join(target, 'd/sub'), { recursive: true })
  writeFileSync(join(target, 'd/sub/old'), 'old')
  await unpack(
    toTar(
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/sub/', type: '5', mode: 0o755 },
      { name: 'd/sub/new', content: 'new' },
      { name: 'd/sub/old', content: 'newer' },
    ),
  )
  expect(readFileSync(join(target, 'd/sub/old'), 'utf8')).toBe('newer')
  expect(readFileSync(join(target, 'd/sub/new'), 'utf8')).toBe('new')
})

test('a closed folder arrives, closed, and one that fails leaves nothing', async () => {
  const closed = [
    { name: 'd/', type: '5', mode: 0o555 },
    { name: 'd/f', content: 'x', mode: 0o444 },
  ]
  await unpack(toTar(...closed))
  expect(statSync(join(target, 'd')).mode & 0o777).toBe(0o555)
  chmodSync(join(target, 'd'), 0o755)
  await expect(unpack(toTar(...closed, { name: '../evil' }))).rejects.toMatchObject({ code: 'HOST_REFUSED' })
  expect(readdirSync(target)).toEqual(['d'])
})

test('a name of its own, and contents alone', async () => {
  await unpack(toTar({ name: 'a', content: 'x' }), { name: 'b' })
  await unpack(toTar({ name: 'd/', type: '5', mode: 0o755 }, { name: 'd/in', content: 'x' }), { contents: true })
  expect(readdirSync(target).toSorted()).toEqual(['b', 'in'])
})

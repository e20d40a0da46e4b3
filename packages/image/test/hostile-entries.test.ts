import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dockerArchive, failureOf, makeFolder, ociArchive, openBytes, paxEntry, tarOf, type RawEntry } from './image-fixtures.ts'

let spool = ''
beforeEach(async () => {
  spool = await makeFolder()
})
afterEach(async () => rm(spool, { recursive: true, force: true }))

const file = (name: string, content = 'x'): RawEntry => ({ name, content })
const LONG_NAME = `${'n'.repeat(200)}/`.repeat(21).slice(0, -1)

/** What an entry of a layer is refused with, wherever the layer comes from. */
const BAD_ENTRIES: readonly (readonly [string, readonly (RawEntry | Buffer)[], string])[] = [
  ['a path with ..', [file('a/../../etc/passwd')], 'the entry "a/../../etc/passwd" leaves the root with ".."'],
  ['an absolute path', [file('/etc/passwd')], 'the entry "/etc/passwd" has an absolute name'],
  ['a link above the root', [{ name: 'a/x', type: '2', link: '../../etc' }], 'is a link that leaves the root: "../../etc"'],
  ['a hard link with ..', [{ name: 'x', type: '1', link: '../etc/shadow' }], 'is a hard link that leaves the root'],
  ['an absolute hard link', [{ name: 'x', type: '1', link: '/etc/shadow' }], 'is a hard link to an absolute name'],
  ['a hard link to nothing', [{ name: 'x', type: '1', link: 'y' }], 'is a hard link to "y", which is not there'],
  [
    'a hard link to a folder',
    [
      { name: 'd/', type: '5' },
      { name: 'x', type: '1', link: 'd' },
    ],
    'a folder',
  ],
  ['a hard link to itself', [file('x'), { name: 'x', type: '1', link: 'x' }], 'is a hard link to itself'],
  [
    'hard links in a circle',
    [
      { name: 'x', type: '1', link: 'y' },
      { name: 'y', type: '1', link: 'x' },
    ],
    'which is not there',
  ],
  [
    'links in a circle with a path through them',
    [{ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }, file('a/x')],
    'the entry "a/x" leads through too many links, or in a circle',
  ],
  ['a character device', [{ name: 'dev/sda', type: '3', device: [8, 1] }], 'is a character device (8, 1): without root'],
  ['a block device', [{ name: 'dev/sda', type: '4', device: [8, 1] }], 'is a block device (8, 1): without root'],
  ['a path below a file', [file('a'), file('a/b')], 'the entry "a/b" is below a file'],
  ['a root that is a file', [file('./')], 'is a file whose name ends with a slash'],
  ['no name', [file('')], 'has no name'],
  ['a name with a NUL', [paxEntry({ path: 'a\0b' }), file('x')], 'has a NUL in its name'],
  ['a path that is too long', [paxEntry({ path: LONG_NAME }), file('x')], 'Linux allows 4095'],
  ['a name that is too long', [paxEntry({ path: 'n'.repeat(256) }), file('x')], 'has a name of more than 255 bytes'],
  ['a whiteout of ..', [file('.wh...')], 'hides no name'],
  ['a whiteout of nothing', [file('.wh.')], 'hides no name'],
  ['a sparse file of GNU', [{ name: 'x', type: 'S' }], 'is a sparse file'],
  ['a sparse file of pax', [paxEntry({ 'GNU.sparse.realsize': '4294967296' }), file('x')], 'is a sparse file'],
  ['a kind that nobody knows', [{ name: 'x', type: 'Z' }], 'is of the unknown kind "Z"'],
  ['two pax headers for one entry', [paxEntry({ path: 'a' }), paxEntry({ path: 'b' }), file('x')], 'has two pax headers'],
  [
    'a pax record with a wrong length',
    [{ name: 'p', type: 'x', content: '99 path=a\n' }, file('x')],
    'a pax record has a wrong length',
  ],
  ['a pax record without a key', [{ name: 'p', type: 'x', content: '7 path\n' }, file('x')], 'a pax record has no key'],
  ['a pax header without an entry', [paxEntry({ path: 'a' })], 'the last header has no entry'],
  ['a pax header of 2 MB', [{ name: 'p', type: 'x', content: Buffer.alloc(2e6) }, file('x')], 'a pax header has 2000000 bytes'],
  [
    'a long name of 2 MB',
    [{ name: 'p', type: 'L', content: Buffer.alloc(2e6) }, file('x')],
    'a long-name header has 2000000 bytes',
  ],
  ['a size that is negative', [{ name: 'x', size: '\xff'.repeat(12) }], 'a field of its header is no number'],
  ['a size in letters', [{ name: 'x', size: 'lots' }], 'a field of its header is no number'],
  ['a pax size that is none', [paxEntry({ size: '-1' }), file('x')], 'has a size that is none'],
]

describe.each(BAD_ENTRIES)('%s', (_, entries, words) => {
  test.each([
    ['in a layer of a docker archive', dockerArchive([tarOf(...entries)])],
    ['in a layer of an OCI archive', ociArchive([tarOf(...entries)])],
    ['in a plain root file system', tarOf(...entries)],
  ])('%s is refused, with the entry and the reason', async (_where, bytes) => {
    expect(await failureOf(bytes, spool)).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringContaining(words) })
  })
})

test('links in a circle that nothing leads through are fine: every engine makes them', async () => {
  await using archive = await openBytes(tarOf({ name: 'a', type: '2', link: 'b' }, { name: 'b', type: '2', link: 'a' }), spool)
  expect(archive.images.length).toBe(1)
})

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openImageArchive } from '../src/index.ts'
import {
  AMD64,
  TAR_END,
  configOf,
  dockerArchive,
  door,
  failureOf,
  makeFolder,
  ociArchive,
  ociFiles,
  openBytes,
  rawEntry,
  sha256,
  tarOf,
  type RawEntry,
} from './image-fixtures.ts'

let spool = ''
beforeEach(async () => {
  spool = await makeFolder()
})
afterEach(async () => rm(spool, { recursive: true, force: true }))

const file = (name: string, content = 'x'): RawEntry => ({ name, content })

describe('bytes that are no archive', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['text', Buffer.from('hello '.repeat(200)), 'is no tar; it begins with 68656c6c6f20'],
    ['an ELF file', Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.alloc(2000)]), 'is no tar; it begins with 7f454c46'],
    ['a tar with nothing in it', TAR_END, 'holds nothing'],
    [
      'xz',
      Buffer.concat([Buffer.from('fd377a585a00', 'hex'), Buffer.alloc(600)]),
      'is packed with xz; gzip, zstd and plain tar are read',
    ],
    ['bzip2', Buffer.concat([Buffer.from('BZh91AY'), Buffer.alloc(600)]), 'is packed with bzip2'],
    ['gzip of text', gzipSync('hello '.repeat(200)), 'is no tar; it begins with'],
    ['broken gzip', Buffer.concat([gzipSync('x').subarray(0, 10), Buffer.alloc(100, 0xff)]), 'is no gzip'],
    ['broken zstd', Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.alloc(100, 0xff)]), 'is no zstd'],
    ['a docker archive of 2014', tarOf(file('repositories', '{}')), 'was saved by a Docker before 1.10'],
  ])('%s', async (_, bytes, words) => {
    expect(await failureOf(bytes, spool)).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringContaining(words) })
  })

  test('an archive that is cut anywhere is refused', async () => {
    const layer = tarOf(file('a', 'a'.repeat(3000)), file('b'))
    for (const whole of [dockerArchive([layer]), ociArchive([layer]), layer]) {
      // A tar is whole with the first block of its end.
      for (let length = 0; length <= whole.length - 1024; length += 97) {
        expect(await failureOf(whole.subarray(0, length), spool)).toMatchObject({ code: 'IMAGE_INVALID' })
      }
      for (const packed of [gzipSync(whole), zstdCompressSync(whole)]) {
        for (let length = 0; length < packed.length; length += 53) {
          expect(await failureOf(packed.subarray(0, length), spool)).toMatchObject({ code: 'IMAGE_INVALID' })
        }
      }
    }
  })
})

describe('documents', () => {
  const layer = tarOf(file('a'))
  const archiveWith = (manifest: string | Buffer, ...others: readonly RawEntry[]): Buffer =>
    tarOf(
      { name: 'layer.tar', content: layer },
      { name: 'config.json', content: configOf([layer]) },
      { name: 'manifest.json', content: manifest },
      ...others,
    )

  test.each([
    ['is no JSON', '{', 'manifest.json: is no JSON'],
    ['is an object', '{}', 'manifest.json: is not what it should be'],
    ['is empty', '[]', 'manifest.json: is not what it should be'],
    ['names no configuration', '[{"Layers":[]}]', 'manifest.json: is not what it should be: 0.Config'],
    ['has 2 MB', Buffer.alloc(2e6, 0x20), 'manifest.json: has more than 1048576 bytes'],
    ['is deep', '['.repeat(500_000), 'manifest.json: is no JSON'],
    ['names a file that is not there', '[{"Config":"config.json","Layers":["none.tar"]}]', 'has no file "none.tar"'],
    ['names a file outside', '[{"Config":"../../etc/passwd","Layers":["layer.tar"]}]', 'has no file "../../etc/passwd"'],
    ['names too few layers', '[{"Config":"config.json","Layers":[]}]', 'has 0 layers, and its configuration names 1'],
    [
      'has a name that is none',
      '[{"Config":"config.json","RepoTags":["A B"],"Layers":["layer.tar"]}]',
      '"A B" is no name of an image',
    ],
    [
      'takes the manifest for a configuration',
      '[{"Config":"manifest.json","Layers":["layer.tar"]}]',
      'the configuration of the image',
    ],
    ['takes the configuration for a layer', '[{"Config":"config.json","Layers":["config.json"]}]', 'has the digest'],
  ])('a manifest that %s', async (_, manifest, words) => {
    expect(await failureOf(archiveWith(manifest), spool)).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(words),
    })
  })

  const GOOD = '[{"Config":"config.json","RepoTags":null,"Layers":["layer.tar"]}]'
  test.each([
    ['two manifests', archiveWith(GOOD, { name: './manifest.json', content: GOOD }), 'has the file "manifest.json" twice'],
    [
      'links in a circle',
      archiveWith(
        '[{"Config":"config.json","Layers":["x"]}]',
        { name: 'x', type: '2', link: 'y' },
        { name: 'y', type: '2', link: 'x' },
      ),
      'has links in a circle',
    ],
    [
      'a link outside',
      archiveWith('[{"Config":"config.json","Layers":["x"]}]', { name: 'x', type: '2', link: '../../etc/passwd' }),
      'has no file "../../etc/passwd"',
    ],
  ])('%s', async (_, bytes, words) => {
    expect(await failureOf(bytes, spool)).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringContaining(words) })
  })

  test('a layer that is a link to another is read, as Docker before 25 writes it', async () => {
    const bytes = archiveWith('[{"Config":"config.json","Layers":["b/x"]}]', { name: 'b/x', type: '2', link: '../layer.tar' })
    await using archive = await openBytes(bytes, spool)
    expect(archive.images[0]?.references).toEqual([])
  })

  test('a configuration that is not what its name says is refused', async () => {
    const name = `${'0'.repeat(64)}.json`
    const bytes = tarOf(
      { name: 'layer.tar', content: layer },
      { name, content: configOf([layer]) },
      { name: 'manifest.json', content: JSON.stringify([{ Config: name, Layers: ['layer.tar'] }]) },
    )
    expect(await failureOf(bytes, spool)).toMatchObject({
      message: expect.stringMatching(/the configuration: has the digest sha256:.*, and is called 0000/u),
    })
  })

  test('more layers than can be mounted are refused', async () => {
    expect(await failureOf(dockerArchive(Array.from({ length: 128 }, () => layer)), spool)).toMatchObject({
      message: expect.stringContaining('has 128 layers; at most 127 can be mounted'),
    })
  })

  test('a blob of an OCI archive that is not the one that was named is refused', async () => {
    const name = `blobs/sha256/${sha256(layer)}`
    const other = tarOf(file('other'))
    const entries = [...ociFiles([layer])].map(([path, content]) => ({ name: path, content: path === name ? other : content }))
    expect(await failureOf(tarOf(...entries), spool)).toMatchObject({
      message: expect.stringContaining(`has the digest sha256:${sha256(other)}, and should have sha256:${sha256(layer)}`),
    })
  })

  test('an index for other machines says for which', async () => {
    const files = new Map(ociFiles([layer]))
    const index = {
      manifests: ['arm64', 's390x'].map((architecture) => ({
        digest: `sha256:${'1'.repeat(64)}`,
        platform: { os: 'linux', architecture },
      })),
    }
    files.set('index.json', Buffer.from(JSON.stringify(index)))
    expect(await failureOf(tarOf(...[...files].map(([name, content]) => ({ name, content }))), spool)).toMatchObject({
      message: 'index.json: has no image for linux/amd64; it has linux/arm64, linux/s390x',
    })
  })
})

test('a layout folder opens nothing but plain files', async () => {
  const folder = join(spool, 'layout')
  const outer = await makeFolder()
  for (const [name, content] of ociFiles([tarOf(file('a'))])) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  await rm(join(folder, 'index.json'))
  await symlink('/dev/zero', join(folder, 'index.json'))
  expect(await failureOf(folder, outer)).toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('is no plain file'),
  })
  await rm(outer, { recursive: true })
})

test("a path that is not there, or no archive, is the caller's mistake", async () => {
  expect(await failureOf(join(spool, 'none'), spool)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await failureOf('/dev/null', spool)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await failureOf(spool, spool)).toMatchObject({
    code: 'IMAGE_INVALID',
    message: 'the folder: is no OCI layout: it has no oci-layout',
  })
  expect(await failureOf(tarOf(file('a')), spool, { reference: 'NO' })).toMatchObject({ code: 'INVALID_ARGUMENT' })
})

describe('too much', () => {
  test.each([
    ['gzip', gzipSync(Buffer.alloc(300e6))],
    ['zstd', zstdCompressSync(Buffer.alloc(300e6))],
  ])('a bomb of %s is refused before it fills the disk', async (_, bytes) => {
    expect(bytes.length).toBeLessThan(1e6)
    const failure = await failureOf(bytes, spool, { limits: { ratioFloorBytes: 16e6 } })
    expect(failure).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringMatching(/more than 200 for one$/u) })
  })

  test('a layer that unpacks to more than is allowed is refused', async () => {
    const bytes = dockerArchive([tarOf(file('a', 'a'.repeat(100_000)))], { pack: (layer) => gzipSync(layer) })
    expect(await failureOf(bytes, spool, { limits: { maximumBytes: 50_000 } })).toMatchObject({
      message: 'the archive: has more than 50000 bytes unpacked',
    })
  })

  test('entries without end are refused', async () => {
    const entries = Buffer.concat(Array.from({ length: 1001 }, (_, index) => rawEntry(file(`${index}`, ''))))
    expect(await failureOf(tarOf(entries), spool, { limits: { maximumEntries: 1000 } })).toMatchObject({
      message: 'the archive: has more than 1000 entries',
    })
  })

  test('a file that says to have 8 GiB and has none is cut', async () => {
    expect(await failureOf(rawEntry({ name: 'x', size: '77777777777 ' }), spool)).toMatchObject({
      message: expect.stringContaining('is cut: 8589934591 bytes are missing'),
    })
  })
})

test('a signal ends it, even when the source never answers', async () => {
  const hanging = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined) }) }
  const opening = openImageArchive(hanging, { door, spoolFolder: spool, platform: AMD64, signal: AbortSignal.timeout(50) })
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED' })
  const aborted = openImageArchive(Readable.from([]), { door, spoolFolder: spool, signal: AbortSignal.abort() })
  await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
})

test("an error of the source is the caller's own", async () => {
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10)
    throw new TypeError('my own')
  }
  await expect(openImageArchive(broken(), { door, spoolFolder: spool })).rejects.toThrow('my own')
})

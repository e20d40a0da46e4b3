import { readdir, rm, truncate } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import type { ImageProgress } from '@rootless-runtime/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeDockerArchive, type ArchivedImage, type ImageArchive } from '../src/index.ts'
import { configOf, dockerArchive, door, makeFolder, ociArchive, openBytes, sha256, tarOf } from './image-fixtures.ts'

let spool = ''
beforeEach(async () => {
  spool = await makeFolder()
})
afterEach(async () => rm(spool, { recursive: true, force: true }))

const LAYERS = [tarOf({ name: 'a', content: '1' }), tarOf({ name: 'b', content: '2' })]

function only(archive: ImageArchive): ArchivedImage {
  const [image] = archive.images
  if (image === undefined || archive.images.length !== 1) throw new Error(`${archive.images.length} images`)
  return image
}

test('what is written is the same image when it is read again', async () => {
  await using archive = await openBytes(ociArchive(LAYERS, { pack: (layer) => gzipSync(layer) }), spool)
  const image = only(archive)
  await using again = await openBytes(await buffer(writeDockerArchive(image, { door })), spool)
  const { id, config, references } = only(again)
  expect({ id, config, references }).toEqual({ id: image.id, config: image.config, references: ['docker.io/library/test:1'] })
  expect(Buffer.from(only(again).configJson)).toEqual(Buffer.from(image.configJson))
})

test('the same image gives the same bytes, whatever it came in', async () => {
  await using first = await openBytes(ociArchive(LAYERS), spool)
  await using second = await openBytes(dockerArchive(LAYERS), spool)
  const [one, two] = await Promise.all([first, second].map((archive) => buffer(writeDockerArchive(only(archive), { door }))))
  expect(sha256(one ?? Buffer.alloc(0))).toBe(sha256(two ?? Buffer.alloc(1)))
})

test('the names that the caller gives take the place of its own, and are checked before a byte is written', async () => {
  await using archive = await openBytes(dockerArchive(LAYERS), spool)
  const written = await buffer(writeDockerArchive(only(archive), { door, references: ['mine', 'mine:2'] }))
  await using again = await openBytes(written, spool)
  expect(only(again).references).toEqual(['docker.io/library/mine:latest', 'docker.io/library/mine:2'])
  expect(() => writeDockerArchive(only(archive), { door, references: ['NO'] })).toThrow('is no name of an image')
})

test('a layer that an image has twice is written once', async () => {
  const [layer = Buffer.alloc(0)] = LAYERS
  await using archive = await openBytes(dockerArchive([layer, layer]), spool)
  expect((await buffer(writeDockerArchive(only(archive), { door }))).length).toBeLessThan(2 * layer.length + 5 * 1024)
})

test('two images of an archive have the layer that they share once', async () => {
  const [shared = Buffer.alloc(0), own = Buffer.alloc(0)] = LAYERS
  const configs = [configOf([shared]), configOf([shared, own])]
  const manifest = [
    { Config: 'one.json', RepoTags: ['one:1'], Layers: ['shared.tar'] },
    { Config: 'two.json', RepoTags: ['two:1', 'two:2'], Layers: ['shared.tar', 'own.tar'] },
  ]
  const bytes = tarOf(
    { name: 'shared.tar', content: shared },
    { name: 'own.tar', content: own },
    { name: 'one.json', content: configs[0] ?? '' },
    { name: 'two.json', content: configs[1] ?? '' },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  )
  await using archive = await openBytes(bytes, spool)
  expect(archive.images.map(({ references }) => references)).toEqual([
    ['docker.io/library/one:1'],
    ['docker.io/library/two:1', 'docker.io/library/two:2'],
  ])
  expect(archive.images[1]?.layers[0]).toEqual(archive.images[0]?.layers[0])
  const [folder = ''] = await readdir(spool)
  expect(await readdir(`${spool}/${folder}`)).toEqual(['layer-0.tar', 'layer-1.tar'])
})

test('one image with two names in an OCI archive is one image', async () => {
  await using archive = await openBytes(ociArchive(LAYERS, { tags: ['localhost/a:1', 'localhost/b:1', 'latest'] }), spool)
  expect(only(archive).references).toEqual(['localhost/a:1', 'localhost/b:1'])
})

test('a layer that changed in the meantime is an error, and no archive with a hole', async () => {
  await using archive = await openBytes(dockerArchive(LAYERS), spool)
  await truncate(only(archive).layers[0]?.path ?? '', 100)
  await expect(buffer(writeDockerArchive(only(archive), { door }))).rejects.toThrow('was changed while it was written')
})

test('a signal ends the writing', async () => {
  await using archive = await openBytes(dockerArchive(LAYERS), spool)
  const stream = writeDockerArchive(only(archive), { door, signal: AbortSignal.abort() })
  await expect(buffer(stream)).rejects.toMatchObject({ code: 'ABORTED' })
})

test('progress tells what was read and what was checked', async () => {
  const progress: ImageProgress[] = []
  const bytes = dockerArchive([tarOf({ name: 'a', content: Buffer.alloc(3e6, 'x') })])
  await using archive = await openBytes(bytes, spool, { onProgress: (each) => progress.push(each) })
  const reading = progress.filter(({ phase }) => phase === 'reading')
  expect(reading.at(-1)).toEqual({ phase: 'reading', bytes: bytes.length, totalBytes: null })
  expect(reading.length).toBeGreaterThan(2)
  expect(progress.findLast(({ phase }) => phase === 'checking')?.bytes).toBe(only(archive).layers[0]?.sizeBytes)
})

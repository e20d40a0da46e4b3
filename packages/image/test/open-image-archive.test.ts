import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  dockerArchive,
  failureOf,
  makeFolder,
  ociArchive,
  ociFiles,
  openBytes,
  sha256,
  tarOf,
  type ArchiveOptions,
} from './image-fixtures.ts'

let spool = ''
beforeEach(async () => {
  spool = await makeFolder()
})
afterEach(async () => rm(spool, { recursive: true, force: true }))

const LAYERS = [
  tarOf({ name: 'bin/', type: '5' }, { name: 'bin/sh', content: 'shell' }),
  tarOf({ name: 'etc/motd', content: 'hello' }),
]
const SETTINGS = {
  Entrypoint: ['/bin/sh', '-c'],
  Cmd: ['true'],
  Env: ['PATH=/bin', 'EMPTY=', 'A=b=c'],
  User: '1000:1000',
  WorkingDir: '/srv',
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  Labels: { a: 'b' },
  Volumes: { '/data': {} },
  StopSignal: 'SIGINT',
}

const plain = (bytes: Buffer): Buffer => bytes
const FORMATS: readonly (readonly [string, (layers: readonly Buffer[], options?: ArchiveOptions) => Buffer])[] = [
  ['a docker archive', dockerArchive],
  ['an OCI archive', ociArchive],
]
const PACKINGS: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ['plain', plain],
  ['gzip', (bytes) => gzipSync(bytes)],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
]

describe.each(FORMATS)('%s', (_, build) => {
  test.each(PACKINGS.flatMap(([outer, packOuter]) => PACKINGS.map(([inner, pack]) => [outer, inner, packOuter, pack] as const)))(
    '%s with layers that are %s is read',
    async (_outer, _inner, packOuter, pack) => {
      await using archive = await openBytes(packOuter(build(LAYERS, { pack })), spool)
      const [image] = archive.images
      expect(archive.images.length).toBe(1)
      expect(image?.references).toEqual(['docker.io/library/test:1'])
      expect(image?.id).toBe(`sha256:${sha256(image?.configJson ?? Buffer.alloc(0))}`)
      expect(image?.layers.map(({ diffId }) => diffId)).toEqual(LAYERS.map((layer) => `sha256:${sha256(layer)}`))
      const contents = await Promise.all((image?.layers ?? []).map(({ path }) => readFile(path)))
      expect(contents.map(sha256)).toEqual(LAYERS.map(sha256))
    },
  )

  test('says what the image runs', async () => {
    await using archive = await openBytes(build(LAYERS, { settings: SETTINGS }), spool)
    expect(archive.images[0]?.config).toEqual({
      entrypoint: ['/bin/sh', '-c'],
      command: ['true'],
      environment: { PATH: '/bin', EMPTY: '', A: 'b=c' },
      user: '1000:1000',
      workdir: '/srv',
      ports: ['80/tcp', '53/udp'],
      labels: { a: 'b' },
      volumes: ['/data'],
      stopSignal: 'SIGINT',
      architecture: 'amd64',
      os: 'linux',
      createdAt: null,
    })
  })

  test('is read from a path, and nothing but its layers is left in the spool folder', async () => {
    const path = join(spool, 'image')
    await writeFile(path, build(LAYERS))
    const archive = await openBytes(path, spool)
    const folder = (await readdir(spool)).find((name) => name !== 'image') ?? ''
    expect(await readdir(join(spool, folder))).toEqual(['layer-0.tar', 'layer-1.tar'])
    await archive[Symbol.asyncDispose]()
    expect(await readdir(spool)).toEqual(['image'])
  })

  test('for another machine is refused', async () => {
    expect(await failureOf(build(LAYERS, { architecture: 'arm64' }), spool)).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('is for linux/arm64, and linux/amd64 was asked for'),
    })
  })

  test('with a layer that is not the one that its configuration names is refused', async () => {
    const diffIds = LAYERS.map(() => `sha256:${'0'.repeat(64)}`)
    expect(await failureOf(build(LAYERS, { diffIds }), spool)).toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(/layer 1 of the image .* has the digest sha256:.*, and should have sha256:0000/u),
    })
  })
})

test('an OCI layout is read from a folder', async () => {
  const folder = join(spool, 'layout')
  for (const [name, content] of ociFiles(LAYERS)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  await using archive = await openBytes(folder, spool)
  expect(archive.images[0]?.references).toEqual(['docker.io/library/test:1'])
})

test('a plain root file system gets the name and the command that the caller gives', async () => {
  const tar = tarOf({ name: './', type: '5' }, { name: './bin/sh', content: 'shell' })
  await using archive = await openBytes(gzipSync(tar), spool, { reference: 'mine', config: { command: ['/bin/sh'] } })
  const [image] = archive.images
  expect(image).toMatchObject({ references: ['docker.io/library/mine:latest'], config: { command: ['/bin/sh'], workdir: '/' } })
  expect(image?.layers[0]?.diffId).toBe(`sha256:${sha256(tar)}`)
})

test('an image that has a name gets the caller’s beside it', async () => {
  await using archive = await openBytes(dockerArchive(LAYERS), spool, { reference: 'mine:2' })
  const references = archive.images[0]?.references ?? []
  expect(references).toContain('docker.io/library/mine:2')
  expect(references.length).toBeGreaterThan(1)
})

test('the same root file system has the same id however it comes', async () => {
  const tar = tarOf({ name: 'bin/sh', content: 'shell' })
  await writeFile(join(spool, 'root.tar'), tar)
  await using fromPath = await openBytes(join(spool, 'root.tar'), spool)
  await using fromStream = await openBytes(zstdCompressSync(tar), spool)
  expect(fromPath.images[0]?.id).toBe(fromStream.images[0]?.id)
})

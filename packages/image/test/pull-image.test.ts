import { gzipSync } from 'node:zlib'
import type { ImageProgress } from '@rootless-runtime/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AMD64, configOf, sha256, tarOf } from './image-fixtures.ts'
import { INDEX, LAYER, MANIFEST, PACKED, TestRegistry } from './test-registry.ts'

let registry = new TestRegistry()
beforeEach(async () => {
  registry = await new TestRegistry().listen()
})
afterEach(async () => registry[Symbol.asyncDispose]())

test('an image is pulled by its tag, with its layers unpacked', async () => {
  registry.storeManifest('1')
  const progress: ImageProgress[] = []
  await using archive = await registry.pull('team/app:1', { onProgress: (each) => progress.push(each) })
  const [image] = archive.images
  expect(image).toMatchObject({ references: [`${registry.address}/team/app:1`], id: `sha256:${sha256(configOf([LAYER]))}` })
  expect(image?.layers).toMatchObject([{ diffId: `sha256:${sha256(LAYER)}`, sizeBytes: LAYER.length }])
  expect(progress.find(({ phase }) => phase === 'pulling')).toEqual({
    phase: 'pulling',
    bytes: PACKED.length,
    totalBytes: PACKED.length,
  })
})

test('an image is pulled by its digest, which is checked', async () => {
  const digest = registry.storeManifest('1')
  const archive = await registry.pull(`team/app@${digest}`)
  expect(archive.images[0]?.references).toEqual([`${registry.address}/team/app@${digest}`])
  await archive[Symbol.asyncDispose]()
  registry.store(`manifests/${digest}`, Buffer.from('{}'), MANIFEST)
  expect(await registry.refusalOf(`team/app@${digest}`)).toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('has the digest'),
  })
})

test('of a list of manifests the one of this platform is taken', async () => {
  registry.storeIndex('1', ['arm64', 'amd64'])
  await using archive = await registry.pull('team/app:1')
  expect(archive.images[0]?.config.architecture).toBe('amd64')
})

test('a list without this platform says what it has', async () => {
  registry.storeIndex('1', ['arm64', 's390x'])
  expect(await registry.refusalOf('team/app:1')).toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('has no image for linux/amd64; it has linux/arm64, linux/s390x'),
  })
})

test('an index that leads to itself ends', async () => {
  // Its own digest cannot stand in it, so a tag leads to one that answers itself.
  registry.answerBefore = (request, response) => {
    if (request.url?.includes('/manifests/') !== true) return false
    const content = JSON.stringify({ manifests: [{ mediaType: INDEX, digest: `sha256:${'1'.repeat(64)}`, platform: AMD64 }] })
    response.writeHead(200, { 'content-type': INDEX }).end(content)
    return true
  }
  expect(await registry.refusalOf('team/app:1')).toMatchObject({ code: 'IMAGE_INVALID' })
  expect(registry.asked.length).toBeLessThan(6)
})

test('a blob that is not what it is named after is refused', async () => {
  registry.storeManifest('1')
  registry.store(`blobs/sha256:${sha256(PACKED)}`, gzipSync(tarOf({ name: 'other', content: 'x' })))
  expect(await registry.refusalOf('team/app:1')).toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('has the digest'),
  })
})

test('a blob that breaks off is an error, and nothing is left', async () => {
  registry.storeManifest('1')
  registry.answerBefore = (request, response) => {
    if (request.url !== `/v2/team/app/blobs/sha256:${sha256(PACKED)}`) return false
    response.writeHead(200, { 'content-length': PACKED.length }).write(PACKED.subarray(0, 40), () => response.destroy())
    return true
  }
  expect((await registry.refusalOf('team/app:1')).code).toBe('ENGINE_REFUSED')
})

test.each([
  [404, 'IMAGE_NOT_FOUND'],
  [401, 'IMAGE_NOT_FOUND'],
  [403, 'IMAGE_NOT_FOUND'],
  [429, 'ENGINE_REFUSED'],
  [500, 'ENGINE_REFUSED'],
])('a registry that answers %s gives %s', async (status, code) => {
  registry.answerBefore = (_, response) => {
    response.writeHead(status, { 'www-authenticate': 'Basic realm="x"' }).end('{"errors":[]}')
    return true
  }
  expect(await registry.refusalOf('team/app:1')).toMatchObject({ code })
})

test('a registry that is not there is named, with the reason', async () => {
  registry.close()
  expect(await registry.refusalOf('team/app:1')).toMatchObject({
    code: 'ENGINE_REFUSED',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test('a registry without TLS is not asked unless that is wanted', async () => {
  registry.storeManifest('1')
  expect((await registry.refusalOf('team/app:1', { insecure: false })).code).toBe('ENGINE_REFUSED')
  expect(registry.asked).toEqual([])
})

test('a signal ends a pull of a registry that hangs', async () => {
  registry.answerBefore = () => true
  expect((await registry.refusalOf('team/app:1', { signal: AbortSignal.timeout(100) })).code).toBe('ABORTED')
})

test('a signal ends a pull in the middle of a layer', async () => {
  registry.storeManifest('1')
  registry.answerBefore = (request, response) => {
    if (request.url !== `/v2/team/app/blobs/sha256:${sha256(PACKED)}`) return false
    response.writeHead(200).write(PACKED.subarray(0, 40))
    return true
  }
  expect((await registry.refusalOf('team/app:1', { signal: AbortSignal.timeout(200) })).code).toBe('ABORTED')
})

import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { buildTestImage, toDockerArchive, type TestImage } from '@rootless-runtime/conformance'
import type { EngineDriver, ImageProgress } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLiveDocker, portOf, type LiveDocker } from './docker-live.ts'

let docker: LiveDocker
let driver: EngineDriver
let image: TestImage

beforeAll(async () => {
  docker = await openLiveDocker()
  driver = docker.driver
  image = await buildTestImage(readFileSync('/bin/busybox'), { Labels: { own: docker.prefix }, Cmd: ['sh'], User: 'app' })
})

afterAll(async () => {
  await docker[Symbol.asyncDispose]()
})

/** A registry of one image, without TLS, as far as pulling asks. */
async function serveImage({ id, config, rootFileSystem }: TestImage): Promise<Server> {
  const digest = layerOf(config)
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: id, size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: rootFileSystem.length }],
  })
  const answers = new Map<string, string | Uint8Array>([
    ['/v2/', '{}'],
    ['/v2/team/app/manifests/1', manifest],
    [`/v2/team/app/blobs/${id}`, config],
    [`/v2/team/app/blobs/${digest}`, rootFileSystem],
  ])
  const server = createServer((request, response) => {
    const found = answers.get(request.url ?? '')
    if (found === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': found === manifest ? type : 'application/octet-stream' }).end(found)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function layerOf(config: Uint8Array): string {
  const text = /"diff_ids":\["(sha256:[0-9a-f]{64})"\]/u.exec(Buffer.from(config).toString())?.[1]
  return text ?? expect.unreachable('the image names its layer')
}

describe('images', () => {
  test('are loaded with the id and the settings that they have in their archive', async () => {
    const reference = `${docker.prefix}:loaded`
    const seen: ImageProgress[] = []
    const archive = await toDockerArchive(image, reference)
    const [loaded] = await driver.images.load(Readable.from([archive]), { onProgress: (progress) => seen.push(progress) })
    expect(loaded).toMatchObject({
      id: image.id,
      references: [`docker.io/library/${reference}`],
      config: { command: ['sh'], user: 'app', workdir: '/srv', ports: ['8080/tcp'], labels: { own: docker.prefix }, os: 'linux' },
    })
    expect(seen.at(-1)).toMatchObject({ phase: 'loading' })
    expect(await driver.images.inspect(image.id)).toEqual(loaded)
    expect(await driver.images.list()).toContainEqual(loaded)
    await driver.images.remove(reference)
    await expect(driver.images.inspect(reference)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(driver.images.remove(reference)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(driver.images.export(reference)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('are found by the beginning of their id, and removed by it with every name', async () => {
    const names = [`${docker.prefix}:one`, `${docker.prefix}:two`] as const
    for (const name of names) await driver.images.load(Readable.from([await toDockerArchive(image, name)]))
    const short = image.id.slice('sha256:'.length, 20)
    const { id, references } = await driver.images.inspect(short)
    expect([id, references.toSorted()]).toEqual([image.id, names.map((name) => `docker.io/library/${name}`)])
    await driver.images.remove(short)
    await expect(driver.images.inspect(image.id)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('are pulled from a registry without TLS by this process, as Docker cannot be told to', async () => {
    const server = await serveImage(image)
    const reference = `127.0.0.1:${portOf(server)}/team/app:1`
    try {
      const seen: ImageProgress[] = []
      const pulled = await driver.images.pull(reference, { insecure: true, onProgress: (progress) => seen.push(progress) })
      expect(pulled).toMatchObject({ id: image.id, references: [reference] })
      expect(seen.map(({ phase }) => phase)).toContain('pulling')
      await driver.images.remove(reference)
      // Docker asks as who it is: from its own network, in which nobody listens there.
      await expect(driver.images.pull(reference)).rejects.toMatchObject({ code: 'ENGINE_REFUSED' })
      await expect(driver.images.pull(`127.0.0.1:${portOf(server)}/team/app:2`, { insecure: true })).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      })
    } finally {
      server.close()
    }
  })

  test.each(['', 'UPPER:x', 'a b', '../x', 'x:'])('of the name %j are INVALID_ARGUMENT', async (name) => {
    await expect(driver.images.inspect(name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { ImageProgress } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'
import { buildTestImage, IMAGE_FACTS, toDockerArchive, toOciArchive, toOciLayout, type TestImage } from './test-image.ts'

/** An image that no other proof has: its id differs by a label. */
function buildOwnImage(bench: Bench, label: string): Promise<TestImage> {
  return buildTestImage(bench.busybox, { Labels: { label: `${bench.mark} ${label}` } })
}

/** Loads the source, and proves that it is this image, which can be run. */
async function expectLoads(bench: Bench, image: TestImage, reference: string, source: string | Uint8Array): Promise<void> {
  const { images } = bench.runtime
  const loaded = await images.load(typeof source === 'string' ? source : Readable.from([source]))
  expect(loaded.map(({ id }) => id)).toEqual([image.id])
  expect(loaded[0]?.references).toContain(`docker.io/library/${reference}`)
  expect(await bench.say('cat /srv/index.html', { image: reference })).toMatchObject({
    exitCode: 0,
    stdout: 'served by busybox\n',
  })
  await images.remove(reference)
}

async function listIds(bench: Bench): Promise<readonly string[]> {
  return (await bench.runtime.images.list()).map(({ id }) => id)
}

/** Images: how they come in, what they say of themselves, and how they go. */
export const IMAGES = {
  'image-load-path': behaviour('an archive of docker save is loaded from a path', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'path'), `${bench.mark}-path:latest`]
    const path = `${bench.folder}/path.tar`
    await bench.machine.files.write(path, await toDockerArchive(image, reference))
    await expectLoads(bench, image, reference, path)
  }),
  'image-load-stream': behaviour('an archive of docker save is loaded from a stream', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'stream'), `${bench.mark}-stream:latest`]
    await expectLoads(bench, image, reference, await toDockerArchive(image, reference))
  }),
  'image-load-gzip': behaviour('a gzip archive is loaded', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'gzip'), `${bench.mark}-gzip:latest`]
    await expectLoads(bench, image, reference, gzipSync(await toDockerArchive(image, reference), { level: 1 }))
  }),
  'image-load-zstd': behaviour('a zstd archive is loaded', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'zstd'), `${bench.mark}-zstd:latest`]
    await expectLoads(bench, image, reference, zstdCompressSync(await toDockerArchive(image, reference)))
  }),
  'image-load-oci-archive': behaviour('an OCI archive is loaded, with the same id', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'oci archive'), `${bench.mark}-oci:latest`]
    await expectLoads(bench, image, reference, await toOciArchive(image, `docker.io/library/${reference}`))
  }),
  'image-load-oci-layout': behaviour('an OCI layout is loaded from its folder', async (bench) => {
    const [image, reference] = [await buildOwnImage(bench, 'oci layout'), `${bench.mark}-layout:latest`]
    const folder = `${bench.folder}/layout`
    await bench.machine.files.makeDirectory(`${folder}/blobs/sha256`)
    for (const [path, content] of toOciLayout(image, `docker.io/library/${reference}`)) {
      await bench.machine.files.write(`${folder}/${path}`, content)
    }
    await expectLoads(bench, image, reference, folder)
  }),
  'image-load-root-file-system': behaviour('a plain root file system is loaded with the configuration given', async (bench) => {
    const { images } = bench.runtime
    const reference = `${bench.mark}-rootfs:latest`
    const config = { command: ['sh', '-c', 'pwd; echo "$SAID"'], workdir: '/tmp', environment: { PATH: '/bin', SAID: 'given' } }
    const [loaded] = await images.load(Readable.from([bench.testImage.rootFileSystem]), { reference, config })
    expect(loaded?.references).toContain(`docker.io/library/${reference}`)
    const { containers } = bench.runtime
    const { command: _, ...options } = bench.options({ image: reference })
    expect(await containers.runToEnd(options)).toMatchObject({ exitCode: 0, stdout: '/tmp\ngiven\n' })
    await images.remove(reference)
  }),
  'image-id': behaviour('the id of an image is the digest of its configuration', async (bench) => {
    expect((await bench.runtime.images.inspect(bench.image)).id).toBe(bench.testImage.id)
  }),
  'image-load-again': behaviour('an image that is there already can be loaded again', async (bench) => {
    const loaded = await bench.runtime.images.load(`${bench.folder}/image.tar`)
    expect(loaded.map(({ id }) => id)).toEqual([bench.testImage.id])
  }),
  'image-progress': behaviour('loading says how far it is', async (bench) => {
    const progress: ImageProgress[] = []
    await bench.runtime.images.load(`${bench.folder}/image.tar`, { onProgress: (each) => progress.push(each) })
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.every(({ bytes }) => Number.isSafeInteger(bytes) && bytes >= 0)).toBe(true)
  }),
  'image-list': behaviour('the list has an image with its full reference', async (bench) => {
    const image = (await bench.runtime.images.list()).find(({ id }) => id === bench.testImage.id)
    expect(image?.references).toContain(`docker.io/library/${bench.image}`)
  }),
  'image-inspect': behaviour('inspect tells what a container gets from its image', async (bench) => {
    const { config } = await bench.runtime.images.inspect(bench.image)
    const { environment, workdir, port, labels } = IMAGE_FACTS
    expect(config).toMatchObject({ environment, workdir, ports: [port], labels, entrypoint: [], user: '', os: 'linux' })
    expect(config.command[0]).toBe('sh')
  }),
  'image-inspect-names': behaviour('an image is found by its short name, its full name and its id', async (bench) => {
    const { images } = bench.runtime
    for (const name of [bench.mark, bench.image, `docker.io/library/${bench.image}`, bench.testImage.id]) {
      expect((await images.inspect(name)).id).toBe(bench.testImage.id)
    }
  }),
  'image-inspect-missing': behaviour('inspecting an image that is not there is IMAGE_NOT_FOUND', async (bench) => {
    await expectCode('IMAGE_NOT_FOUND', bench.runtime.images.inspect(`${bench.mark}-missing:latest`))
    await expectCode('IMAGE_NOT_FOUND', bench.runtime.images.inspect(`sha256:${'0'.repeat(64)}`))
  }),
  'image-remove': behaviour('a removed image is gone', async (bench) => {
    const { images } = bench.runtime
    const [image, reference] = [await buildOwnImage(bench, 'remove'), `${bench.mark}-remove:latest`]
    await images.load(Readable.from([await toDockerArchive(image, reference)]))
    await images.remove(reference)
    await expectCode('IMAGE_NOT_FOUND', images.inspect(reference))
    expect(await listIds(bench)).not.toContain(image.id)
  }),
  'image-remove-missing': behaviour('removing an image that is not there is IMAGE_NOT_FOUND', async (bench) => {
    await expectCode('IMAGE_NOT_FOUND', bench.runtime.images.remove(`${bench.mark}-missing:latest`))
  }),
  'image-remove-in-use': behaviour('removing an image that a container uses is IMAGE_IN_USE, and it stays', async (bench) => {
    const { images } = bench.runtime
    const [image, reference] = [await buildOwnImage(bench, 'in use'), `${bench.mark}-used:latest`]
    await images.load(Readable.from([await toDockerArchive(image, reference)]))
    const container = await bench.create({ image: reference })
    await expectCode('IMAGE_IN_USE', images.remove(reference))
    expect((await images.inspect(reference)).id).toBe(image.id)
    await container.remove()
    await images.remove(reference)
  }),
  'image-export': behaviour('an exported image can be loaded again, with the same id', async (bench) => {
    const { images } = bench.runtime
    const [image, reference] = [await buildOwnImage(bench, 'export'), `${bench.mark}-export:latest`]
    await images.load(Readable.from([await toDockerArchive(image, reference)]))
    const path = `${bench.folder}/export.tar`
    await bench.machine.files.write(path, await images.export(reference))
    await images.remove(reference)
    await expectLoads(bench, image, reference, path)
  }),
  'image-export-missing': behaviour('exporting an image that is not there is IMAGE_NOT_FOUND', async (bench) => {
    await expectCode('IMAGE_NOT_FOUND', bench.runtime.images.export(`${bench.mark}-missing:latest`))
  }),
  'image-pull-nobody': behaviour('pulling from a registry that does not answer is ENGINE_REFUSED', async (bench) => {
    const reference = 'localhost:1/rrc/nothing:latest'
    await expectCode('ENGINE_REFUSED', bench.runtime.images.pull(reference, { insecure: true }))
  }),
}

import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { collectTar } from '../src/containers/collect.ts'
import { buildTar, buildTestImage, file, toDockerArchive, toOciArchive, toOciLayout } from '../src/containers/test-image.ts'

const BUSYBOX = Buffer.from('a program')

async function namesOf(archive: Uint8Array): Promise<readonly string[]> {
  return (await collectTar(Readable.from([archive]))).map(({ header }) => header.name)
}

test('the same busybox makes the same image, byte by byte', async () => {
  const [first, second] = [await buildTestImage(BUSYBOX), await buildTestImage(BUSYBOX)]
  expect(first.id).toBe(second.id)
  expect(await toDockerArchive(first, 'a:1')).toEqual(await toDockerArchive(second, 'a:1'))
  expect((await buildTestImage(Buffer.from('another'))).id).not.toBe(first.id)
  expect((await buildTestImage(BUSYBOX, { User: 'app' })).id).not.toBe(first.id)
})

test('an archive of docker save has a manifest that names its files', async () => {
  const entries = await collectTar(Readable.from([await toDockerArchive(await buildTestImage(BUSYBOX), 'a:1')]))
  const manifest: unknown = JSON.parse(entries.at(-1)?.content.toString() ?? '')
  const [config, layer] = entries.map(({ header }) => header.name)
  expect(manifest).toEqual([{ Config: config, RepoTags: ['a:1'], Layers: [layer] }])
})

test('an OCI layout names every blob by its digest', async () => {
  const image = await buildTestImage(BUSYBOX)
  const paths = [...toOciLayout(image, 'a:1').keys()]
  expect(paths).toEqual(await namesOf(await toOciArchive(image, 'a:1')))
  expect(paths).toContain(`blobs/sha256/${image.id.slice('sha256:'.length)}`)
  expect(paths.filter((path) => path.startsWith('blobs/'))).toHaveLength(3)
})

test('a tar holds what it is given, as root of one fixed time unless told', async () => {
  const [entry] = await collectTar(Readable.from([await buildTar([file('a/b', 'text', 0o600)])]))
  expect(entry?.content.toString()).toBe('text')
  expect(entry?.header).toMatchObject({ name: 'a/b', mode: 0o600, uid: 0, gid: 0, mtime: new Date('2020-01-01T00:00:00Z') })
})

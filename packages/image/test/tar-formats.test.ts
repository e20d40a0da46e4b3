import { execFileSync } from 'node:child_process'
import { link, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeFolder, extract, flatten } from './extract-tar.ts'
import { configOf, failureOf, makeFolder, ociFiles, openBytes, sha256, tarOf } from './image-fixtures.ts'

/** 100 bytes of a name fit every header, 255 those with a prefix. */
const SHORT = 'short'
const MEDIUM = `${'m'.repeat(90)}/${'n'.repeat(60)}`
const LONG = `${'p'.repeat(200)}/${'q'.repeat(200)}`

let folder = ''
let root = ''
beforeAll(async () => {
  folder = await makeFolder()
  root = join(folder, 'root')
  for (const name of [SHORT, MEDIUM, LONG]) {
    await mkdir(join(root, name), { recursive: true })
    await writeFile(join(root, name, 'file'), name, { mode: 0o640 })
  }
  await writeFile(join(root, 'größe'), 'unicode')
  await link(join(root, SHORT, 'file'), join(root, 'hard'))
  await symlink('short/file', join(root, 'soft'))
  await utimes(join(root, SHORT, 'file'), 1_700_000_000.25, 1_700_000_000.25)
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

function pack(...options: readonly string[]): Buffer {
  return execFileSync('tar', ['-c', '--sort=name', '--owner=0', '--group=0', '-C', root, ...options], { maxBuffer: 64e6 })
}

describe.each([
  ['v7', [SHORT, 'hard', 'soft', 'größe']],
  ['ustar', [SHORT, MEDIUM, 'hard', 'soft', 'größe']],
  ['gnu', ['.']],
  ['oldgnu', ['.']],
  ['pax', ['.']],
])('a tar of the format %s', (format, names) => {
  test('says the same as tar does of it', async () => {
    const tar = pack(`--format=${format}`, ...names)
    const flat = await extract(await flatten([tar], folder), join(folder, `flat-${format}`))
    const model = await extract(tar, join(folder, `model-${format}`))
    expect(await describeFolder(flat)).toEqual(await describeFolder(model))
    expect((await describeFolder(flat)).length).toBeGreaterThan(4)
  })
})

test.each([['gnu'], ['pax']])('an owner above what octal digits hold is read from %s', async (format) => {
  await writeFile(join(root, 'owned'), 'x')
  const tar = execFileSync('tar', ['-c', `--format=${format}`, '--owner=3000000', '--group=4000000', '-C', root, 'owned'])
  const listed = execFileSync('tar', ['-tv', '--numeric-owner'], { input: await flatten([tar], folder) }).toString()
  expect(listed).toContain('3000000/4000000')
})

test.each([['gnu'], ['pax']])('a sparse file of GNU tar in %s is refused, with what to do', async (format) => {
  await writeFile(join(root, 'sparse'), 'x')
  await truncate(join(root, 'sparse'), 4 * 1024 ** 3)
  const tar = pack(`--format=${format}`, '--sparse', 'sparse')
  expect(tar.length).toBeLessThan(100_000)
  const outer = await makeFolder()
  expect(await failureOf(tar, outer)).toMatchObject({
    code: 'IMAGE_INVALID',
    message: expect.stringContaining('a sparse file; write the archive without --sparse'),
  })
  await rm(outer, { recursive: true })
})

test('what Docker writes since 25, an OCI layout that is a docker archive too, is read once', async () => {
  const layer = tarOf({ name: 'a', content: '1' })
  const manifest = [
    {
      Config: `blobs/sha256/${sha256(configOf([layer]))}`,
      RepoTags: ['test:1'],
      Layers: [`blobs/sha256/${sha256(layer)}`],
    },
  ]
  const files = [...ociFiles([layer]), ['manifest.json', Buffer.from(JSON.stringify(manifest))] as const]
  await using archive = await openBytes(tarOf(...files.map(([name, content]) => ({ name, content }))), folder)
  expect(archive.images.map(({ references }) => references)).toEqual([['docker.io/library/test:1']])
})

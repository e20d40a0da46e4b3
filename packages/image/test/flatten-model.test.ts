import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeFolder, dir, extract, file, flatten, hard, link } from './extract-tar.ts'
import { makeFolder, tarOf, type RawEntry } from './image-fixtures.ts'
import { createRandom, type Random } from './random.ts'

let folder = ''
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

interface ModelEntry {
  readonly path: string
  readonly entry: RawEntry
}

/** Layers as builders write them: each path once, its folders before it. */
function makeLayer(random: Random, number: number, files: Set<string>): readonly ModelEntry[] {
  const entries = new Map<string, ModelEntry>()
  const names = ['a', 'b', 'c']
  const pick = (): string => names[random(names.length)] ?? 'a'
  const put = (path: string, entry: RawEntry): void => void entries.set(path, { path, entry })
  for (let count = 0; count < 6; count += 1) {
    const parts = [pick(), pick(), pick()].slice(0, 1 + random(3))
    const parents = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join('/'))
    const path = parts.join('/')
    if (entries.has(path) || parents.some((parent) => entries.has(parent) && entries.get(parent)?.entry.type !== '5')) continue
    for (const parent of parents) if (!entries.has(parent)) put(parent, dir(parent, [0o755, 0o700][random(2)] ?? 0o755))
    const kind = random(6)
    const known = [...entries.values()].find(({ entry }) => entry.type === undefined)?.path ?? [...files][random(files.size || 1)]
    if (kind === 0) put(path, dir(path, 0o711))
    else if (kind === 1) put(path, link(path, 'nowhere'))
    else if (kind === 2 && known !== undefined && known !== path && !known.startsWith(`${path}/`) && entries.has(known))
      put(path, hard(path, known))
    else put(path, file(path, `${number}-${count}`))
  }
  for (const [path, { entry }] of entries) if (entry.type === undefined) files.add(path)
  return [...entries.values()]
}

const SEED = Number(process.env['SEED'] ?? 20_261_125)

test(`is what GNU tar makes of the layers in order, whiteouts done by hand (seed ${SEED})`, async () => {
  const random = createRandom(SEED)
  for (let round = 0; round < 60; round += 1) {
    const model = join(folder, `model-${round}`)
    await mkdir(model)
    const layers: Buffer[] = []
    for (let number = 0; number < 3; number += 1) {
      const entries = makeLayer(random, number, new Set())
      const hidden =
        number === 0
          ? []
          : ['a', 'b', 'a/b', 'c/a'].filter((path) => random(3) === 0 && !entries.some((each) => each.path === path))
      const opaque = number > 0 && random(3) === 0 ? entries.filter(({ entry }) => entry.type === '5').slice(0, 1) : []
      for (const path of hidden)
        if (await isBelowFolders(model, path)) await rm(join(model, path), { recursive: true, force: true })
      for (const { path } of opaque) await emptyFolder(join(model, path))
      for (const { path, entry } of entries) await makeWay(join(model, path), entry.type === '5')
      const whiteouts = [
        ...hidden
          .filter((path) => !entries.some(({ path: other, entry }) => path.startsWith(`${other}/`) && entry.type !== '5'))
          .map((path) => file(join(path, '..', `.wh.${path.split('/').at(-1) ?? ''}`), '')),
        ...opaque.map(({ path }) => file(`${path}/.wh..wh..opq`, '')),
      ]
      const shuffled =
        random(2) === 0
          ? [...whiteouts, ...entries.map(({ entry }) => entry)]
          : [...entries.map(({ entry }) => entry), ...whiteouts]
      layers.push(tarOf(...shuffled))
      await extract(tarOf(...entries.map(({ entry }) => entry)), model)
    }
    const flat = await extract(await flatten(layers, folder), join(folder, `flat-${round}`))
    expect(await describeFolder(flat), `round ${round} of seed ${SEED}`).toEqual(await describeFolder(model))
  }
})

async function isBelowFolders(model: string, path: string): Promise<boolean> {
  const above = join(model, path, '..')
  return (await lstat(above).catch(() => null))?.isDirectory() === true
}

async function emptyFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found?.isDirectory() !== true) return
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true })
}

/** A folder gives way to a file and the reverse; tar would refuse. */
async function makeWay(path: string, isFolder: boolean): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found !== null && found.isDirectory() !== isFolder) await rm(path, { recursive: true })
}

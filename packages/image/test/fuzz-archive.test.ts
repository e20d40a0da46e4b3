import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { RootlessError } from '@rootless-runtime/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { flattenLayers, writeDockerArchive, type ImageArchive, type ImageDoor } from '../src/index.ts'
import { dockerArchive, door, makeFolder, ociArchive, openBytes, paxEntry, tarOf } from './image-fixtures.ts'
import { createMemoryDoor, type MemoryDoor } from './memory-door.ts'
import { createRandom, type Random } from './random.ts'

/** Repeat a run with `SEED=...`; more inputs with `FUZZ=100000`. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000)
const INPUTS = Number(process.env['FUZZ'] ?? 10_000)

let outer = ''
beforeAll(async () => {
  outer = await makeFolder()
})
afterAll(async () => rm(outer, { recursive: true, force: true }))

const LAYERS = [
  tarOf(
    { name: 'd/', type: '5' },
    { name: 'd/a', content: 'first' },
    { name: 'l', type: '2', link: 'd' },
    paxEntry({ path: 'd/long', 'SCHILY.xattr.user.x': 'y' }),
    { name: 'short', content: 'second' },
    { name: 'h', type: '1', link: 'd/a' },
  ),
  tarOf({ name: 'd/.wh.a', content: '' }, { name: 'l/b', content: 'third' }, { name: 'e/.wh..wh..opq', content: '' }),
]
const [FIRST = Buffer.alloc(0)] = LAYERS

const plain = (bytes: Buffer): Buffer => bytes
const gzip = (bytes: Buffer): Buffer => gzipSync(bytes, { level: 1 })
const PACKINGS: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ['plain', plain],
  ['plain', plain],
  ['gzip', gzip],
  ['zstd', (bytes) => zstdCompressSync(bytes)],
]
const FORMATS: readonly (readonly [string, (layers: readonly Buffer[], pack: (layer: Buffer) => Buffer) => Buffer])[] = [
  ['docker', (layers, pack) => dockerArchive(layers, { pack })],
  ['oci', (layers, pack) => ociArchive(layers, { pack })],
  ['root file system', ([layer = FIRST]) => layer],
]

interface Input {
  readonly format: string
  readonly bytes: Buffer
}

/**
 * An archive that is broken at one of three depths: in a layer, with every digest right, so that the entries are what is refused; in
 * the archive; or in what it is packed with.
 */
function makeInput(random: Random): Input {
  const [format, build] = FORMATS[random(FORMATS.length)] ?? ['', () => FIRST]
  const [outerPacking, packOuter] = PACKINGS[random(PACKINGS.length)] ?? ['', plain]
  const [innerPacking, packInner] = PACKINGS[random(PACKINGS.length)] ?? ['', plain]
  const depth = random(5)
  const layers = LAYERS.map((layer) => (depth < 2 ? mutate(layer, LAYERS[random(LAYERS.length)] ?? FIRST, random) : layer))
  const archive = build(layers, packInner)
  const packed = packOuter(depth === 2 || depth === 3 ? mutate(archive, ociArchive(LAYERS), random) : archive)
  return {
    format: `${outerPacking} ${format} of ${innerPacking}, depth ${depth}`,
    bytes: depth === 4 ? mutate(packed, gzip(archive), random) : packed,
  }
}

/** Bytes that mean something in a tar, where chance alone would seldom hit. */
const WORDS = [
  '../',
  '/',
  '\0',
  '.wh.',
  'l/',
  'h',
  '1',
  '2',
  '5',
  'x',
  'L',
  'S',
  '77777777777',
  '{',
  ']',
  'null',
  '\u0080',
  '12 path=x\n',
]

/** Writes the right checksum into a header that was changed, so that what is behind it is read. */
function mendHeaders(bytes: Buffer): void {
  for (let start = 0; start + 512 <= bytes.length; start += 512) {
    if (bytes.toString('latin1', start + 257, start + 262) !== 'ustar') continue
    const header = bytes.subarray(start, start + 512)
    header.fill(0x20, 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  }
}

function mutate(original: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original)
  for (let count = 1 + random(4); count > 0; count -= 1) {
    if (bytes.length < 512) return bytes
    const at = random(bytes.length)
    const blockStart = at - (at % 512)
    const blockEnd = Math.min(bytes.length, blockStart + 512)
    const word = WORDS[random(WORDS.length)] ?? ''
    const kind = random(7)
    if (kind === 0) bytes[at] = random(256)
    else if (kind === 1) bytes = bytes.subarray(0, at)
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length))])
    else if (kind === 3) bytes.write(word, at, 'latin1')
    // Names, kinds, links and sizes are where the meaning of a header is.
    else if (kind === 4)
      bytes.write(word, Math.min(bytes.length - 1, blockStart + ([0, 124, 156, 157][random(4)] ?? 0)), 'latin1')
    else if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, blockStart), bytes.subarray(blockEnd)])
    else bytes = Buffer.concat([bytes.subarray(0, blockEnd), bytes.subarray(random(bytes.length) & ~511)])
  }
  if (random(3) > 0) mendHeaders(bytes)
  return bytes
}

/** What was accepted must be whole: readable to the end in every form in which an engine gets it. */
async function useAll(archive: ImageArchive, from: ImageDoor, spool: string): Promise<void> {
  for (const image of archive.images) {
    const flat = await buffer(flattenLayers(image, { door: from }))
    expect(flat.subarray(-1024).every((byte) => byte === 0)).toBe(true)
    const written = await buffer(writeDockerArchive(image, { door: from }))
    await using again = await openBytes(written, spool, { door: from })
    expect(again.images[0]?.id).toBe(image.id)
  }
}

interface Outcomes {
  read: number
  refused: number
  readonly reasons: Set<string>
}

async function fuzz(random: Random, inputs: number, from: ImageDoor, spool: string): Promise<Outcomes> {
  const outcomes: Outcomes = { read: 0, refused: 0, reasons: new Set() }
  for (let number = 0; number < inputs; number += 1) {
    const { format, bytes } = makeInput(random)
    try {
      await using archive = await openBytes(bytes, spool, { door: from })
      if (random(4) === 0) await useAll(archive, from, spool)
      outcomes.read += 1
    } catch (error) {
      const isOurs = error instanceof RootlessError && error.code === 'IMAGE_INVALID'
      if (!isOurs)
        throw new Error(`input ${number} (${format}) of seed ${SEED}: ${bytes.toString('base64').slice(0, 20_000)}`, {
          cause: error,
        })
      outcomes.refused += 1
      outcomes.reasons.add(error.message.replaceAll(/"[^"]*"|[0-9a-f]{6,}|\d+/gu, '_'))
    }
  }
  return outcomes
}

test(`${INPUTS} broken archives are read or refused, and nothing else (seed ${SEED})`, async () => {
  const memory: MemoryDoor = createMemoryDoor()
  const { read, refused, reasons } = await fuzz(createRandom(SEED), INPUTS, memory, '/spool')
  expect([...memory.touched].filter((path) => !/^\/spool\/image-\d+(?:\/(?:archive|layer-\d+)\.tar)?$/u.test(path))).toEqual([])
  expect([...memory.written.keys()]).toEqual([])
  // Both happen, and for many reasons: else this would look at one check only.
  expect(read).toBeGreaterThan(INPUTS / 20)
  expect(refused).toBeGreaterThan(INPUTS / 4)
  expect(reasons.size).toBeGreaterThan(40)
  console.log(`seed ${SEED}: ${read} read, ${refused} refused for ${reasons.size} reasons`)
}, 120_000)

test(`on real files nothing is left in the spool folder, and nothing comes to be beside it (seed ${SEED})`, async () => {
  const spool = join(outer, 'spool')
  await mkdir(spool)
  await fuzz(createRandom(SEED + 1), INPUTS / 50, door, spool)
  expect(await readdir(spool)).toEqual([])
  expect(await readdir(outer)).toEqual(['spool'])
})

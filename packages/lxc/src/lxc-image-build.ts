import { flattenLayers, type ArchivedImage } from '@rootless-runtime/image'
import { RootlessError, type LoadOptions } from '@rootless-runtime/core'
import { checkEnd, checkUnpacked } from './lxc-errors.ts'
import {
  imagePathsOf,
  readStoredImage,
  toImagePaths,
  toLayerPath,
  writeReference,
  type ImagePaths,
  type StoredImage,
} from './lxc-image-store.ts'
import { runMapped, runProgram, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import type { FileStore } from './lxc-store.ts'

const PASSABLE = 0o711
const REPORT_EVERY_BYTES = 1024 ** 2

/** Unpacks as the archive says: owners by number, modes, and the attributes that were left in it. */
export const UNPACK = [
  'tar',
  '--numeric-owner',
  '--same-permissions',
  '--same-owner',
  '--xattrs',
  '--xattrs-include=*',
  '-xf',
  '-',
]

/** Everything of a tree that UNPACK makes again. */
export const PACK = ['tar', '--numeric-owner', '--format=pax', '--xattrs', '--xattrs-include=*', '--one-file-system', '-cf', '-']

type BuildOptions = Pick<LoadOptions, 'signal' | 'onProgress'>

/** Puts an image into the store, unless it is there, and gives it its references. */
export async function storeImage(
  door: FileDoor,
  store: FileStore,
  image: ArchivedImage,
  options: BuildOptions,
): Promise<StoredImage> {
  const stored: StoredImage = toStored(image)
  // Somebody may remove the image between the two steps, before it has this name.
  for (let tries = 0; tries < 3; tries += 1) {
    if ((await readStoredImage(door.machine, store, image.id)) === null) await buildImage(door, store, image, options)
    for (const reference of image.references) await writeReference(door.machine, store, { reference, id: image.id })
    if ((await readStoredImage(door.machine, store, image.id)) !== null) return stored
  }
  throw new RootlessError('IMAGE_NOT_FOUND', `the image ${image.id.slice(0, 19)} was removed while it was loaded`, {
    engine: 'lxc',
  })
}

function toStored({ id, config, layers }: ArchivedImage): StoredImage {
  return {
    id,
    config: {
      ...config,
      entrypoint: [...config.entrypoint],
      command: [...config.command],
      environment: { ...config.environment },
      labels: { ...config.labels },
      ports: [...config.ports],
      volumes: [...config.volumes],
    },
    layers: layers.map(({ diffId, sizeBytes }) => ({ diffId, sizeBytes })),
  }
}

/** Builds beside and renames: whoever looks sees all of it or nothing. Of several at once, the first one's stays. */
async function buildImage(door: FileDoor, store: FileStore, image: ArchivedImage, options: BuildOptions): Promise<void> {
  const { files } = door.machine
  const paths = toImagePaths(store.newWorkPath())
  await files.makeDirectory(paths.folder, { mode: PASSABLE })
  try {
    await files.makeDirectory(paths.layersFolder)
    await files.makeDirectory(paths.usersFolder)
    await keepLayers(door, paths, image, options.signal)
    await files.write(paths.configFile, image.configJson)
    await unpackRootfs(door, paths, image, options)
    await files.write(paths.imageFile, `${JSON.stringify(toStored(image))}\n`)
    await renameUnlessThere(door, paths.folder, imagePathsOf(store, image.id).folder)
  } finally {
    await store.removeTree(paths.folder)
  }
}

/** As hard links: layers that several images share lie once in the archive, and on the disk too. */
async function keepLayers(
  door: FileDoor,
  paths: ImagePaths,
  { layers }: ArchivedImage,
  signal: AbortSignal | undefined,
): Promise<void> {
  const unique = new Map(layers.map((layer) => [layer.diffId, layer.path]))
  for (const [diffId, path] of unique) {
    const end = await runProgram(door.machine, { file: 'ln', arguments: ['-T', '--', path, toLayerPath(paths, diffId)], signal })
    checkEnd(end, 'keep a layer')
  }
}

async function unpackRootfs(door: FileDoor, { rootfs }: ImagePaths, image: ArchivedImage, options: BuildOptions): Promise<void> {
  const { machine } = door
  const { signal, onProgress } = options
  const maps = await door.idMaps()
  const made = await runMapped(machine, withOwnIds(maps, machine.user), [
    'install',
    '-d',
    '-o',
    '0',
    '-g',
    '0',
    '-m',
    '0755',
    '--',
    rootfs,
  ])
  checkEnd(made, 'make a root file system')
  const flattened = flattenLayers(image, { door: machine, ...(signal === undefined ? {} : { signal }) })
  const unpacked = await runMapped(machine, maps, [...UNPACK, '-C', rootfs], { input: count(flattened, onProgress), signal })
  checkUnpacked(unpacked, 'unpack the image')
}

async function* count(chunks: AsyncIterable<Uint8Array>, onProgress: BuildOptions['onProgress']): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    const before = bytes
    bytes += chunk.length
    if (before === 0 || Math.floor(bytes / REPORT_EVERY_BYTES) > Math.floor(before / REPORT_EVERY_BYTES))
      onProgress?.({ phase: 'loading', bytes, totalBytes: null })
    yield chunk
  }
}

/** `false` when there is something of that name. */
export async function renameUnlessThere({ machine }: FileDoor, from: string, to: string): Promise<boolean> {
  try {
    await machine.files.rename(from, to)
    return true
  } catch (error) {
    // rename(2): either word for a folder that holds something.
    if (error instanceof RootlessError && (error.evidence === 'ENOTEMPTY' || error.evidence === 'EEXIST')) return false
    throw error
  }
}

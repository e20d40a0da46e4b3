import {
  openImageArchive,
  parseImageReference,
  pullImage,
  writeDockerArchive,
  type ArchivedImage,
  type ImageArchive,
  type OpenImageOptions,
} from '@rootless-runtime/image'
import { RootlessError, printable, type Image, type Images, type LoadOptions } from '@rootless-runtime/core'
import {
  imagePathsOf,
  listReferences,
  listStoredImages,
  listUsers,
  readReference,
  readStoredImage,
  removeReference,
  toImage,
  toImagePaths,
  toLayerPath,
  type StoredImage,
  type StoredReference,
} from './lxc-image-store.ts'
import { storeImage } from './lxc-image-build.ts'
import type { FileDoor } from './lxc-mapped.ts'
import type { FoundImage, ImagesPart } from './lxc-parts.ts'
import type { FileStore } from './lxc-store.ts'

/** The images of our store, for callers and for containers. */
export function createLxcImages(door: FileDoor, store: FileStore): Images & ImagesPart {
  return {
    load: async (source, options = {}) => {
      await store.prepare()
      const { signal, onProgress, reference, config } = options
      const given = {
        ...optional({ signal, onProgress }),
        ...(reference === undefined ? {} : { reference }),
        ...(config === undefined ? {} : { config }),
      }
      return keepArchive(door, store, options, (spool) => openImageArchive(source, { ...spool, ...given }))
    },
    pull: async (reference, options = {}) => {
      await store.prepare()
      const { signal, onProgress, insecure } = options
      const given = { ...optional({ signal, onProgress }), ...(insecure === undefined ? {} : { insecure }) }
      const pulled = await keepArchive(door, store, options, (spool) => pullImage(reference, { ...spool, ...given }))
      const [image] = pulled
      if (image !== undefined) return image
      throw new RootlessError('IMAGE_NOT_FOUND', `nothing was pulled for ${printable(reference)}`, { engine: 'lxc' })
    },
    list: async () => {
      const [images, references] = await Promise.all([listStoredImages(door.machine, store), listReferences(door.machine, store)])
      return images.map((image) => toImage(image, references))
    },
    inspect: async (referenceOrId) =>
      toImage(await findStored(door, store, referenceOrId), await listReferences(door.machine, store)),
    find: async (referenceOrId) => toFound(await findStored(door, store, referenceOrId)),
    remove: (referenceOrId) => removeImage(door, store, referenceOrId),
    export: async (referenceOrId, call = {}) => {
      const image = await findStored(door, store, referenceOrId)
      const references = (await listReferences(door.machine, store)).filter(({ id }) => id === image.id)
      return writeDockerArchive(await toArchived(door, store, image, references), {
        door: door.machine,
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      })
    },
  }
}

/** Where an archive is unpacked before it is stored. */
type Spool = Pick<OpenImageOptions, 'door' | 'spoolFolder'>

async function keepArchive(
  door: FileDoor,
  store: FileStore,
  options: Pick<LoadOptions, 'signal' | 'onProgress'>,
  open: (spool: Spool) => Promise<ImageArchive>,
): Promise<readonly Image[]> {
  const spoolFolder = store.newWorkPath()
  await door.machine.files.makeDirectory(spoolFolder)
  try {
    await using archive = await open({ door: door.machine, spoolFolder })
    const stored: StoredImage[] = []
    for (const image of archive.images) stored.push(await storeImage(door, store, image, options))
    const references = await listReferences(door.machine, store)
    return stored.map((image) => toImage(image, references))
  } finally {
    await store.removeTree(spoolFolder)
  }
}

interface Watched {
  readonly signal: AbortSignal | undefined
  readonly onProgress: LoadOptions['onProgress'] | undefined
}

function optional({ signal, onProgress }: Watched): Pick<LoadOptions, 'signal' | 'onProgress'> {
  return { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) }
}

/** By its whole id, by a reference, or by the beginning of its id. */
async function findStored(door: FileDoor, store: FileStore, referenceOrId: string): Promise<StoredImage> {
  const found = (await findById(door, store, referenceOrId)) ?? (await findByReference(door, store, referenceOrId))
  const image = found ?? (await findByPrefix(door, store, referenceOrId))
  if (image !== null) return image
  throw new RootlessError('IMAGE_NOT_FOUND', `LXC has no image ${JSON.stringify(printable(referenceOrId, 120))}; load it first`, {
    engine: 'lxc',
  })
}

async function findById({ machine }: FileDoor, store: FileStore, text: string): Promise<StoredImage | null> {
  const digits = /^(?:sha256:)?([0-9a-f]{64})$/u.exec(text)?.[1]
  return digits === undefined ? null : readStoredImage(machine, store, `sha256:${digits}`)
}

async function findByReference({ machine }: FileDoor, store: FileStore, text: string): Promise<StoredImage | null> {
  const reference = toReference(text)
  const stored = reference === null ? null : await readReference(machine, store, reference)
  return stored === null ? null : readStoredImage(machine, store, stored.id)
}

async function findByPrefix({ machine }: FileDoor, store: FileStore, text: string): Promise<StoredImage | null> {
  const digits = /^(?:sha256:)?([0-9a-f]{4,63})$/u.exec(text)?.[1]
  if (digits === undefined) return null
  const fitting = (await listStoredImages(machine, store)).filter(({ id }) => id.startsWith(`sha256:${digits}`))
  return fitting.length === 1 ? (fitting[0] ?? null) : null
}

/** `null` for what is no name of an image at all: there is none of that name. */
function toReference(text: string): string | null {
  try {
    return parseImageReference(text).text
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'INVALID_ARGUMENT') return null
    throw error
  }
}

function toFound({ id, config }: StoredImage): FoundImage {
  return { id, config }
}

async function removeImage(door: FileDoor, store: FileStore, referenceOrId: string): Promise<void> {
  const { machine } = door
  const image = await findStored(door, store, referenceOrId)
  const references = (await listReferences(machine, store)).filter(({ id }) => id === image.id).map((each) => each.reference)
  const named = toReference(referenceOrId)
  const asked = named !== null && references.includes(named) ? named : null
  if (asked !== null && references.length > 1) return removeReference(machine, store, asked)
  await throwIfUsed(door, store, image, imagePathsOf(store, image.id).folder)
  const gone = store.newWorkPath()
  await machine.files.rename(imagePathsOf(store, image.id).folder, gone)
  // Whoever made a container of it before it was out of reach has its file in there by now.
  try {
    await throwIfUsed(door, store, image, gone)
  } catch (error) {
    await machine.files.rename(gone, imagePathsOf(store, image.id).folder)
    throw error
  }
  for (const reference of references) await removeReference(machine, store, reference)
  await store.removeTree(gone)
}

async function throwIfUsed({ machine }: FileDoor, store: FileStore, { id }: StoredImage, folder: string): Promise<void> {
  const [user] = await listUsers(machine, store, toImagePaths(folder))
  if (user === undefined) return
  throw new RootlessError('IMAGE_IN_USE', `the image ${id.slice(0, 19)} is used by the container ${user}; remove it first`, {
    engine: 'lxc',
  })
}

async function toArchived(
  { machine }: FileDoor,
  store: FileStore,
  { id, config, layers }: StoredImage,
  references: readonly StoredReference[],
): Promise<ArchivedImage> {
  const paths = imagePathsOf(store, id)
  const configJson = await machine.readText(paths.configFile, { maximumBytes: 8 * 1024 * 1024 })
  if (configJson.status !== 'ok') throw new RootlessError('HOST_REFUSED', configJson.reason, { engine: 'lxc' })
  return {
    id,
    config,
    references: references.map(({ reference }) => reference),
    configJson: Buffer.from(configJson.value),
    layers: layers.map(({ diffId, sizeBytes }) => ({ diffId, sizeBytes, path: toLayerPath(paths, diffId) })),
  }
}

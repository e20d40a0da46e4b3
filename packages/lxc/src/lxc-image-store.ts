import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { RootlessError, type Image, type Machine } from '@rootless-runtime/core'
import * as z from 'zod'
import type { FileStore } from './lxc-store.ts'

const imageFile = z.object({
  id: z.string().regex(/^sha256:[0-9a-f]{64}$/u),
  config: z.object({
    entrypoint: z.array(z.string()),
    command: z.array(z.string()),
    environment: z.record(z.string(), z.string()),
    user: z.string(),
    workdir: z.string(),
    ports: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    volumes: z.array(z.string()),
    stopSignal: z.string().nullable(),
    architecture: z.string(),
    os: z.string(),
    createdAt: z.string().nullable(),
  }),
  layers: z.array(z.object({ diffId: z.string().regex(/^sha256:[0-9a-f]{64}$/u), sizeBytes: z.number().int().nonnegative() })),
})

/** What an image's folder says of it. Its references lie beside, as they move from image to image. */
export type StoredImage = z.infer<typeof imageFile>

const referenceFile = z.object({ reference: z.string(), id: z.string() })
/** A name and the image that it leads to. */
export type StoredReference = z.infer<typeof referenceFile>

const MAXIMUM_FILE_BYTES = 8 * 1024 * 1024

/** Where the parts of an image lie. */
export interface ImagePaths {
  readonly folder: string
  readonly imageFile: string
  /** The configuration, byte by byte as it came. */
  readonly configFile: string
  readonly layersFolder: string
  readonly rootfs: string
  /** One file for each container that is made of it. */
  readonly usersFolder: string
}

export function toImagePaths(folder: string): ImagePaths {
  const at = (name: string): string => posix.join(folder, name)
  return {
    folder,
    imageFile: at('image.json'),
    configFile: at('config.json'),
    layersFolder: at('layers'),
    rootfs: at('rootfs'),
    usersFolder: at('users'),
  }
}

export function toLayerPath({ layersFolder }: ImagePaths, diffId: string): string {
  return posix.join(layersFolder, `${diffId.slice('sha256:'.length)}.tar`)
}

export function imagePathsOf(store: FileStore, id: string): ImagePaths {
  return toImagePaths(posix.join(store.imagesFolder, id.slice('sha256:'.length)))
}

/** `null` when it is not there. @throws RootlessError `HOST_REFUSED` when it cannot be read, or somebody changed it. */
export async function readStoredImage(machine: Machine, store: FileStore, id: string): Promise<StoredImage | null> {
  return readJson(machine, imagePathsOf(store, id).imageFile, imageFile)
}

export async function listStoredImages(machine: Machine, store: FileStore): Promise<readonly StoredImage[]> {
  const names = (await listNames(machine, store.imagesFolder)).filter((name) => /^[0-9a-f]{64}$/u.test(name))
  const images = await Promise.all(names.map((name) => readStoredImage(machine, store, `sha256:${name}`)))
  return images.filter((image) => image !== null)
}

export async function listReferences(machine: Machine, store: FileStore): Promise<readonly StoredReference[]> {
  const names = (await listNames(machine, store.referencesFolder)).filter((name) => /^[0-9a-f]{64}\.json$/u.test(name))
  const each = await Promise.all(names.map((name) => readJson(machine, posix.join(store.referencesFolder, name), referenceFile)))
  return each.filter((reference) => reference !== null)
}

export async function readReference(machine: Machine, store: FileStore, reference: string): Promise<StoredReference | null> {
  return readJson(machine, referencePath(store, reference), referenceFile)
}

export async function writeReference(machine: Machine, store: FileStore, stored: StoredReference): Promise<void> {
  await machine.files.write(referencePath(store, stored.reference), `${JSON.stringify(stored)}\n`)
}

export async function removeReference(machine: Machine, store: FileStore, reference: string): Promise<void> {
  await machine.files.remove(referencePath(store, reference))
}

/** A reference may be longer than a file's name. */
function referencePath(store: FileStore, reference: string): string {
  return posix.join(store.referencesFolder, `${createHash('sha256').update(reference).digest('hex')}.json`)
}

/** Containers that use an image or a volume. What names a container that is gone was left by a process that died. */
export async function listUsers(
  machine: Machine,
  store: FileStore,
  paths: Pick<ImagePaths, 'usersFolder'>,
): Promise<readonly string[]> {
  const users: string[] = []
  for (const name of await listNames(machine, paths.usersFolder)) {
    const folder = await machine.status(store.containerFolder(name))
    if (folder.status !== 'absent') users.push(name)
  }
  return users
}

export function toImage({ id, config, layers }: StoredImage, references: readonly StoredReference[]): Image {
  return {
    id,
    references: references
      .filter((each) => each.id === id)
      .map(({ reference }) => reference)
      .toSorted(),
    config,
    sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

export async function listNames(machine: Machine, folder: string): Promise<readonly string[]> {
  const names = await machine.listDirectory(folder)
  if (names.status === 'ok') return names.value
  if (names.status === 'absent') return []
  throw new RootlessError('HOST_REFUSED', names.reason, { engine: 'lxc' })
}

/** `null` when it is not there. @throws RootlessError `HOST_REFUSED` */
export async function readJson<Value>(machine: Machine, path: string, schema: z.ZodType<Value>): Promise<Value | null> {
  const text = await machine.readText(path, { maximumBytes: MAXIMUM_FILE_BYTES })
  if (text.status === 'absent') return null
  if (text.status !== 'ok') throw new RootlessError('HOST_REFUSED', text.reason, { engine: 'lxc' })
  return parseJson(path, text.value, schema)
}

function parseJson<Value>(path: string, text: string, schema: z.ZodType<Value>): Value {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new RootlessError('HOST_REFUSED', `${path} is not what was written there`, { engine: 'lxc', cause })
  }
}

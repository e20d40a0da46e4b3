import { openImageArchive, parseImageReference, writeDockerArchive, type ArchivedImage } from '@rootless-runtime/image'
import {
  RootlessError,
  type Call,
  type DriverContext,
  type Image,
  type Images,
  type ImageSource,
  type LoadOptions,
  type Machine,
} from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { imageInspect, toImage } from './docker-image-state.ts'
import { pullImage } from './docker-pull.ts'
import { mapFew } from './map-few.ts'

const listed = z.array(z.object({ Id: z.string() }))
const loaded = z.object({ error: z.string() })

/** Docker's images. */
export function createDockerImages({ machine }: DriverContext, client: DockerClient): Images {
  return {
    load: (source, options = {}) => loadImages(machine, client, source, options),
    pull: async (reference, options = {}) => {
      await pullImage(client, reference, options)
      return await inspectImage(client, reference, options)
    },
    list: (call = {}) => listImages(client, call),
    inspect: (referenceOrId, call = {}) => inspectImage(client, referenceOrId, call),
    remove: async (referenceOrId, call = {}) => {
      const name = toName(referenceOrId)
      await client.work({ method: 'DELETE', path: `/images/${name}`, what: `removing the image ${referenceOrId}` }, call)
    },
    export: async (referenceOrId, call = {}) => {
      const name = toName(referenceOrId)
      // Docker begins an answer before it finds out that there is no such image.
      await inspectImage(client, referenceOrId, call)
      return await openBody(
        client,
        { method: 'GET', path: `/images/${name}/get`, what: `exporting the image ${referenceOrId}` },
        call,
      )
    },
  }
}

/** What stands in the path of a question: an id as it is, a reference in full. @throws RootlessError `INVALID_ARGUMENT` */
function toName(referenceOrId: string): string {
  return isImageId(referenceOrId) ? referenceOrId : parseImageReference(referenceOrId).text
}

function isImageId(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/u.test(text)
}

async function inspectImage(client: DockerClient, referenceOrId: string, call: Call): Promise<Image> {
  const what = `looking at the image ${referenceOrId}`
  const reply = await client.ask({ method: 'GET', path: `/images/${toName(referenceOrId)}/json`, what }, call)
  return toImage(parseReply(imageInspect, reply, what))
}

/** Docker's list tells no configuration: each image is looked at. One that goes in between is not listed. */
async function listImages(client: DockerClient, call: Call): Promise<readonly Image[]> {
  const what = 'listing images'
  const found = parseReply(listed, await client.ask({ method: 'GET', path: '/images/json', what }, call), what)
  const ids = [...new Set(found.map(({ Id }) => Id))]
  const images = await mapFew(ids, (id) => inspectIfThere(client, id, call))
  return images.filter((image) => image !== null)
}

async function inspectIfThere(client: DockerClient, id: string, call: Call): Promise<Image | null> {
  try {
    return await inspectImage(client, id, call)
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'IMAGE_NOT_FOUND') return null
    throw error
  }
}

async function loadImages(
  machine: Machine,
  client: DockerClient,
  source: ImageSource,
  options: LoadOptions,
): Promise<readonly Image[]> {
  const { signal, reference, config, onProgress } = options
  const spoolFolder = `${machine.user.homeDirectory}/.local/share/rootless-runtime/spool`
  await machine.files.makeDirectory(spoolFolder, { mode: 0o700 })
  await using archive = await openImageArchive(source, {
    door: machine,
    spoolFolder,
    ...(reference !== undefined && { reference }),
    ...(config !== undefined && { config }),
    ...(signal !== undefined && { signal }),
    ...(onProgress !== undefined && { onProgress }),
  })
  const images: Image[] = []
  for (const image of archive.images) images.push(await loadImage(machine, client, image, options))
  return images
}

async function loadImage(machine: Machine, client: DockerClient, image: ArchivedImage, options: LoadOptions): Promise<Image> {
  const { signal, onProgress } = options
  const what = `loading the image ${image.references[0] ?? image.id}`
  const tar = countBytes(writeDockerArchive(image, { door: machine, ...(signal !== undefined && { signal }) }), (bytes) =>
    onProgress?.({ phase: 'loading', bytes, totalBytes: null }),
  )
  const reply = await client.work({ method: 'POST', path: '/images/load?quiet=1', body: { tar }, what }, options)
  throwLoadError(reply.text, what)
  // The engine's own word for what it has now: it is the image that was checked, or this throws.
  const given = await inspectImage(client, image.id, options)
  if (given.id === image.id) return given
  throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `${what}: Docker made ${given.id} of ${image.id}`, { engine: 'docker' })
}

async function* countBytes(chunks: AsyncIterable<Uint8Array>, report: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    report(bytes)
    yield chunk
  }
}

// Status 200 is sent before anything is read; what went wrong stands in one of the lines of JSON.
function throwLoadError(text: string, what: string): void {
  for (const line of text.split('\n')) {
    if (!line.includes('"error"')) continue
    const { error } = parseReply(loaded, { text: line }, what)
    throw new RootlessError('IMAGE_INVALID', `${what}: Docker says: ${error}`, { engine: 'docker', evidence: error })
  }
}

import { openImageArchive } from '@rootless-runtime/image'
import { RootlessError, type Call, type Image, type Images } from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { inspectImage, isImageId, toImageName } from './docker-inspect-image.ts'
import { loadArchive, type ImagePlace } from './docker-load.ts'
import { pullByDocker, pullWithoutTls } from './docker-pull.ts'
import { mapFew } from './map-few.ts'

const listed = z.array(z.object({ Id: z.string() }))

/** Docker's images. */
export function createDockerImages(place: ImagePlace): Images {
  const { client } = place
  return {
    load: (source, options = {}) => {
      const { signal, reference, config, onProgress } = options
      const given = {
        ...(reference !== undefined && { reference }),
        ...(config !== undefined && { config }),
        ...(signal !== undefined && { signal }),
        ...(onProgress !== undefined && { onProgress }),
      }
      return loadArchive(place, (spool) => openImageArchive(source, { ...spool, ...given }), options)
    },
    pull: async (reference, options = {}) => {
      if (options.insecure === true) return await pullWithoutTls(place, reference, options)
      await pullByDocker(client, reference, options)
      return await inspectImage(client, reference, options)
    },
    list: (call = {}) => listImages(client, call),
    inspect: (referenceOrId, call = {}) => inspectImage(client, referenceOrId, call),
    remove: (referenceOrId, call = {}) => removeImage(client, referenceOrId, call),
    export: async (referenceOrId, call = {}) => {
      const name = toImageName(referenceOrId)
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

/** Docker removes an image by its id only when it has one name at most. */
async function removeImage(client: DockerClient, referenceOrId: string, call: Call): Promise<void> {
  const references = isImageId(referenceOrId) ? (await inspectImage(client, referenceOrId, call)).references : []
  for (const name of references.length > 1 ? references : [toImageName(referenceOrId)]) {
    await client.work({ method: 'DELETE', path: `/images/${name}`, what: `removing the image ${referenceOrId}` }, call)
  }
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

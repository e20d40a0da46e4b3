import { parseImageReference } from '@rootless-runtime/image'
import type { Call, Image } from '@rootless-runtime/core'
import { parseReply, type DockerClient } from './docker-client.ts'
import { imageInspect, toImage } from './docker-image-state.ts'

/** What stands in the path of a question: an id as it is, a reference in full. @throws RootlessError `INVALID_ARGUMENT` */
export function toImageName(referenceOrId: string): string {
  return isImageId(referenceOrId) ? referenceOrId : parseImageReference(referenceOrId).text
}

/** An id, or the beginning of one, which Docker finds too. */
export function isImageId(text: string): boolean {
  return /^(?:sha256:[0-9a-f]{64}|[0-9a-f]{4,64})$/u.test(text)
}

/** By a reference or an id. */
export async function inspectImage(client: DockerClient, referenceOrId: string, call: Call): Promise<Image> {
  const what = `looking at the image ${referenceOrId}`
  const reply = await client.ask({ method: 'GET', path: `/images/${toImageName(referenceOrId)}/json`, what }, call)
  return toImage(parseReply(imageInspect, reply, what))
}

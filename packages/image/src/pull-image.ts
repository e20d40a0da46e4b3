import type { ImageProgress } from '@rootless-runtime/core'
import { untilAborted } from './byte-stream.ts'
import type { ArchivedImage, ImageArchive, OpenImageOptions, ReadingContext } from './image-archive.ts'
import { parseImageReference, type ImageReference } from './image-reference.ts'
import { invalidImage } from './invalid-image.ts'
import { checkDigest, isIndex, parseIndex, parseManifest, type Descriptor, type OciManifest } from './oci-manifest.ts'
import { readJsonBytes } from './read-json.ts'
import { createRegistry, type Registry, type RegistryOptions } from './registry-client.ts'
import { spoolImage } from './spool-image.ts'
import { spoolInto } from './spool-into.ts'

export interface PullImageOptions
  extends Pick<OpenImageOptions, 'door' | 'spoolFolder' | 'platform' | 'limits' | 'signal' | 'onProgress'>, RegistryOptions {}

const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json']
const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json']
const MAXIMUM_DEPTH = 4
const PHASE: ImageProgress['phase'] = 'pulling'

/**
 * Pulls an image from a registry, by the OCI distribution specification. Every blob has the digest that names it, and is checked as
 * an archive is. A call that fails leaves nothing.
 *
 * @throws RootlessError `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `INVALID_ARGUMENT`, `ENGINE_REFUSED`, `HOST_REFUSED`, `ABORTED`
 */
export async function pullImage(text: string, options: PullImageOptions): Promise<ImageArchive> {
  const reference = parseImageReference(text)
  const registry = createRegistry(reference, options)
  return await spoolInto(options, async (context) => [await pull(registry, reference, context)])
}

async function pull(registry: Registry, reference: ImageReference, context: ReadingContext): Promise<ArchivedImage> {
  const manifest = await findManifest(registry, reference, context)
  const sizes = manifest.layers.map(({ sizeBytes }) => sizeBytes)
  const totalBytes = sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0)
  const openBlob = async (digest: string): Promise<AsyncIterable<Uint8Array>> => {
    const { body } = await registry.get(`blobs/${digest}`, ['*/*'])
    return untilAborted(body, context.signal)
  }
  const openLayer = async function* (digest: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of await openBlob(digest)) {
      context.report(PHASE, chunk.length, totalBytes)
      yield chunk
    }
  }
  const configJson = await readJsonBytes(await openBlob(manifest.config.digest), 'the configuration')
  checkDigest(configJson, manifest.config.digest, 'the configuration')
  const layers = manifest.layers.map(({ digest }) => ({ digest, open: () => Promise.resolve(openLayer(digest)) }))
  return await spoolImage(context, { references: [reference.text], configJson, layers }, new Map())
}

/** Follows indexes to the manifest of this platform. */
async function findManifest(registry: Registry, reference: ImageReference, context: ReadingContext): Promise<OciManifest> {
  const where = `the manifest of ${reference.text}`
  let wanted: Pick<Descriptor, 'digest'> | null = reference.digest === null ? null : { digest: reference.digest }
  for (let depth = 0; depth < MAXIMUM_DEPTH; depth += 1) {
    const answer = await registry.get(`manifests/${wanted?.digest ?? reference.tag ?? ''}`, [...MANIFESTS, ...INDEXES])
    const bytes = await readJsonBytes(untilAborted(answer.body, context.signal), where)
    if (wanted !== null) checkDigest(bytes, wanted.digest, where)
    const mediaType = answer.contentType.split(';')[0]?.trim() ?? ''
    if (!isIndex({ mediaType })) return parseManifest(bytes, where)
    const [first] = parseIndex(bytes, context.platform, where)
    if (first === undefined) throw invalidImage(where, 'leads to no image')
    wanted = first
  }
  throw invalidImage(where, `has more than ${MAXIMUM_DEPTH} indexes in each other`)
}

import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { parseImageReference } from './image-reference.ts'
import { drain, readRange, untilAborted } from './byte-stream.ts'
import { unpack } from './decompress.ts'
import { MAXIMUM_LAYERS, type ArchivedImage, type ArchivedLayer, type ReadingContext } from './image-archive.ts'
import { checkPlatform, digestOf, parseImageConfig } from './image-config.ts'
import { invalidImage } from './invalid-image.ts'
import { readTree } from './read-tree.ts'

/** An image as an archive describes it, before its layers are read. */
export interface ImagePlan {
  readonly references: readonly string[]
  readonly configJson: Buffer
  readonly layers: readonly LayerSource[]
}

export interface LayerSource {
  /** The digest of the bytes as they are in the archive, `null` when it does not say. */
  readonly digest: string | null
  open(): Promise<AsyncIterable<Uint8Array>>
}

/** Layers that lie in the spool folder, by digest of their tar: images share them. */
export type SpooledLayers = Map<string, ArchivedLayer>

/** Unpacks the layers of an image and checks all of it. @throws RootlessError `IMAGE_INVALID` */
export async function spoolImage(context: ReadingContext, plan: ImagePlan, spooled: SpooledLayers): Promise<ArchivedImage> {
  const id = digestOf(plan.configJson)
  const where = `the image ${plan.references[0] ?? id.slice(0, 19)}`
  const { config, diffIds } = parseImageConfig(plan.configJson, `the configuration of ${where}`)
  checkPlatform(config, context.platform, where)
  if (diffIds.length !== plan.layers.length) {
    throw invalidImage(where, `has ${plan.layers.length} layers, and its configuration names ${diffIds.length}`)
  }
  if (diffIds.length === 0) throw invalidImage(where, 'has no layer')
  if (diffIds.length > MAXIMUM_LAYERS)
    throw invalidImage(where, `has ${diffIds.length} layers; at most ${MAXIMUM_LAYERS} can be mounted`)
  const layers: ArchivedLayer[] = []
  for (const [index, source] of plan.layers.entries()) {
    const diffId = diffIds[index] ?? ''
    const layer =
      spooled.get(diffId) ??
      (await spoolLayer(context, source, { diffId, where: `layer ${index + 1} of ${where}` }, spooled.size))
    spooled.set(diffId, layer)
    layers.push(layer)
  }
  const image = { id, references: plan.references, config, configJson: plan.configJson, layers }
  await readTree(context, image)
  return image
}

async function spoolLayer(
  context: ReadingContext,
  source: LayerSource,
  expected: { readonly diffId: string; readonly where: string },
  number: number,
): Promise<ArchivedLayer> {
  const { where } = expected
  const path = posix.join(context.folder, `layer-${number}.tar`)
  const packedHash = createHash('sha256')
  const hash = createHash('sha256')
  let sizeBytes = 0
  const packed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of await source.open()) {
      if (source.digest !== null) packedHash.update(chunk)
      yield chunk
    }
  }
  const { bytes } = await unpack(packed(), where, context.limits)
  await writeSpooled(context, path, async function* () {
    for await (const chunk of bytes) {
      hash.update(chunk)
      sizeBytes += chunk.length
      context.spend('layers', chunk.length)
      context.report('checking', chunk.length)
      yield chunk
    }
  })
  compareDigest(where, source.digest, `sha256:${packedHash.digest('hex')}`)
  compareDigest(where, expected.diffId, `sha256:${hash.digest('hex')}`)
  return { diffId: expected.diffId, path, sizeBytes }
}

/** A tar that is a layer as it is: moved into the spool folder in effect, or copied when it lies elsewhere. */
export async function adoptLayer(context: ReadingContext, path: string, own: string): Promise<ArchivedLayer> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of untilAborted(readRange(context.door, path, 0, Number.MAX_SAFE_INTEGER), context.signal)) {
      hash.update(chunk)
      sizeBytes += chunk.length
      context.spend('layers', chunk.length)
      context.report('checking', chunk.length)
      yield chunk
    }
  }
  if (path === own) await drain(hashed())
  else await writeSpooled(context, own, hashed)
  return { diffId: `sha256:${hash.digest('hex')}`, path: own, sizeBytes }
}

/** Writes a file; what its source throws is thrown as it is, whatever the door makes of it. */
export async function writeSpooled(
  context: ReadingContext,
  path: string,
  source: () => AsyncGenerator<Uint8Array>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined
  const guarded = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* source()
    } catch (error) {
      failure = { error }
      throw error
    }
  }
  try {
    await context.door.files.write(path, guarded())
  } catch (error) {
    throw failure === undefined ? error : failure.error
  }
}

function compareDigest(where: string, expected: string | null, actual: string): void {
  if (expected === null || expected === actual) return
  throw invalidImage(where, `has the digest ${actual}, and should have ${expected}`)
}

/** The names that an archive gives an image, in full. @throws RootlessError `IMAGE_INVALID` */
export function parseArchivedReference(text: string, where: string): string {
  try {
    return parseImageReference(text).text
  } catch (error) {
    throw invalidImage(where, error instanceof Error ? error.message : 'a name of an image is none', error)
  }
}

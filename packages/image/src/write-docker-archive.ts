import { Readable } from 'node:stream'
import { readRange, untilAborted } from './byte-stream.ts'
import type { ArchivedImage } from './image-archive.ts'
import type { ImageDoor } from './image-door.ts'
import { parseImageReference } from './image-reference.ts'
import { invalidImage } from './invalid-image.ts'
import { encodeTarHeader, tarEnd, tarPadding } from './tar-encoder.ts'

export interface WriteArchiveOptions {
  readonly door: Pick<ImageDoor, 'files'>
  /** Names in place of the image's own. */
  readonly references?: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * A `docker save` archive of one image, as Docker 1.10 and every Podman load it. The same image gives the same bytes.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for a name that is none
 */
export function writeDockerArchive(image: ArchivedImage, options: WriteArchiveOptions): Readable {
  const references = (options.references ?? image.references).map((each) => parseImageReference(each).text)
  return Readable.from(encode(image, references, options), { objectMode: false })
}

async function* encode(
  image: ArchivedImage,
  references: readonly string[],
  options: WriteArchiveOptions,
): AsyncGenerator<Uint8Array> {
  const config = `${hexOf(image.id)}.json`
  const layers = new Map(image.layers.map((layer) => [layer.diffId, layer]))
  const manifest = [{ Config: config, RepoTags: references, Layers: image.layers.map(({ diffId }) => toLayerName(diffId)) }]
  yield encodeFile('manifest.json', Buffer.from(JSON.stringify(manifest)))
  yield encodeFile(config, image.configJson)
  for (const { diffId, path, sizeBytes } of layers.values()) {
    yield encodeTarHeader({ kind: 'file', name: toLayerName(diffId), sizeBytes })
    let writtenBytes = 0
    for await (const chunk of untilAborted(readRange(options.door, path, 0, sizeBytes), options.signal)) {
      writtenBytes += chunk.length
      yield chunk
    }
    if (writtenBytes !== sizeBytes) throw invalidImage(`the layer ${diffId.slice(0, 19)}`, 'was changed while it was written')
    yield tarPadding(sizeBytes)
  }
  yield tarEnd()
}

function encodeFile(name: string, content: Uint8Array): Buffer {
  return Buffer.concat([encodeTarHeader({ kind: 'file', name, sizeBytes: content.length }), content, tarPadding(content.length)])
}

function toLayerName(diffId: string): string {
  return `${hexOf(diffId)}.tar`
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1)
}

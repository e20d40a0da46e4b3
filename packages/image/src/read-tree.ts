import { readRange, untilAborted } from './byte-stream.ts'
import type { ArchivedImage, ImageLimits } from './image-archive.ts'
import type { ImageDoor } from './image-door.ts'
import { LayerTree } from './layer-tree.ts'
import { TarScanner } from './tar-scanner.ts'

/** What reading layers that lie in the spool folder needs. */
export interface LayerContext {
  readonly door: Pick<ImageDoor, 'files'>
  readonly limits: Pick<ImageLimits, 'maximumEntries'>
  readonly signal?: AbortSignal | undefined
}

/** Lays the layers of an image on each other, without unpacking one. @throws RootlessError `IMAGE_INVALID` */
export async function readTree(context: LayerContext, image: Pick<ArchivedImage, 'layers'>): Promise<LayerTree> {
  const tree = new LayerTree(context.limits.maximumEntries)
  for (const [index, layer] of image.layers.entries()) {
    const where = `layer ${index + 1} of ${image.layers.length}`
    const scanner = new TarScanner({
      where,
      maximumEntries: context.limits.maximumEntries,
      onEntry: (entry) => tree.add(entry, index, where),
    })
    for await (const chunk of untilAborted(readRange(context.door, layer.path, 0, layer.sizeBytes), context.signal))
      scanner.push(chunk)
    scanner.finish()
  }
  return tree
}

import { Readable } from 'node:stream'
import { readRange, untilAborted } from './byte-stream.ts'
import { DEFAULT_LIMITS, type ArchivedImage, type ImageLimits } from './image-archive.ts'
import type { ImageDoor } from './image-door.ts'
import type { Survivors } from './survivors.ts'
import { readTree, type LayerContext } from './read-tree.ts'
import { encodeTarHeader, tarEnd, tarPadding } from './tar-encoder.ts'
import { TarScanner, type TarEntry } from './tar-scanner.ts'

export interface FlattenOptions {
  readonly door: Pick<ImageDoor, 'files'>
  readonly limits?: Pick<ImageLimits, 'maximumEntries'>
  readonly signal?: AbortSignal
}

/**
 * All layers of an image as one tar, as a container of it sees them: a later layer wins, whiteouts and opaque folders hide what is
 * below them, a hard link keeps its file whatever happens to the other name. No path in it leads through a link. Errors destroy the
 * stream with RootlessError `IMAGE_INVALID` or `ABORTED`.
 */
export function flattenLayers(image: Pick<ArchivedImage, 'layers'>, options: FlattenOptions): Readable {
  return Readable.from(flatten(image, { limits: DEFAULT_LIMITS, signal: undefined, ...options }), { objectMode: false })
}

async function* flatten(image: Pick<ArchivedImage, 'layers'>, context: LayerContext): AsyncGenerator<Buffer> {
  const tree = await readTree(context, image)
  const survivors = tree.survivors()
  for (const name of survivors.bareFolders()) yield encodeTarHeader({ kind: 'directory', name })
  const writer = createSurvivorWriter(survivors)
  for (const [index, layer] of image.layers.entries()) {
    const scanner = new TarScanner({
      where: `layer ${index + 1} of ${image.layers.length}`,
      maximumEntries: context.limits.maximumEntries,
      onEntry: writer.onEntry,
      onContent: writer.onContent,
      onContentEnd: writer.onContentEnd,
    })
    for await (const chunk of untilAborted(readRange(context.door, layer.path, 0, layer.sizeBytes), context.signal)) {
      scanner.push(chunk)
      const written = writer.take()
      if (written.length > 0) yield written
    }
    scanner.finish()
  }
  yield tarEnd()
}

interface SurvivorWriter {
  onEntry(entry: TarEntry): void
  onContent(bytes: Uint8Array): void
  onContentEnd(): void
  /** What was written since it was taken last. */
  take(): Buffer
}

/** Writes of each entry what is left of it at last. */
function createSurvivorWriter(survivors: Survivors): SurvivorWriter {
  let pieces: Uint8Array[] = []
  let number = -1
  let current: { readonly sizeBytes: number; readonly links: readonly Buffer[] } | undefined
  return {
    onEntry(entry) {
      number += 1
      const [name, ...others] = survivors.pathsOf(number)
      current = undefined
      if (name === undefined || entry.kind === 'hardlink') return
      pieces.push(encodeEntry(entry, name))
      const links = others.map((other) => encodeTarHeader({ kind: 'hardlink', name: other, linkName: name, ...toOwner(entry) }))
      current = { sizeBytes: entry.sizeBytes, links }
    },
    onContent(bytes) {
      // A copy: the chunk is not ours after this.
      if (current !== undefined) pieces.push(bytes)
    },
    onContentEnd() {
      if (current !== undefined) pieces.push(tarPadding(current.sizeBytes), ...current.links)
      current = undefined
    },
    take() {
      const taken = Buffer.concat(pieces)
      pieces = []
      return taken
    },
  }
}

function encodeEntry(entry: TarEntry, path: string): Buffer {
  const { kind, linkName, sizeBytes } = entry
  const attributes = new Map([...entry.attributes].filter(([name]) => isKeptAttribute(name)))
  const made = kind === 'character-device' || kind === 'block-device' ? 'fifo' : kind
  return encodeTarHeader({ kind: made, name: path === '' ? '.' : path, linkName, sizeBytes, ...toOwner(entry), attributes })
}

function toOwner({ mode, uid, gid, modifiedAt }: TarEntry): Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'modifiedAt'> {
  return { mode, uid, gid, modifiedAt }
}

/**
 * File capabilities and the user's own. Those of the overlay (`trusted.overlay.`, `user.overlay.`) would steer the mount that lies
 * above, and the rest of `trusted.` and `security.` is the host's: a user namespace may not set it.
 */
function isKeptAttribute(name: string): boolean {
  if (name === 'security.capability') return true
  return name.startsWith('user.') && !name.startsWith('user.overlay.')
}

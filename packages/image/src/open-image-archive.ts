import { posix } from 'node:path'
import { RootlessError, printable } from '@rootless-runtime/core'
import { createFolderContent, createTarContent, createTarIndex, type ArchiveContent, type TarIndex } from './archive-content.ts'
import { drain, untilAborted } from './byte-stream.ts'
import { unpack } from './decompress.ts'
import { DOCKER_MANIFEST, readDockerArchive } from './docker-archive.ts'
import type { ArchivedImage, ImageArchive, OpenImageOptions, ReadingContext } from './image-archive.ts'
import { buildRootFileSystemConfig } from './image-config.ts'
import { parseImageReference } from './image-reference.ts'
import { invalidImage } from './invalid-image.ts'
import { OCI_MARKER, readOciLayout } from './oci-layout.ts'
import { adoptLayer, spoolImage, writeSpooled, type ImagePlan, type SpooledLayers } from './spool-image.ts'
import { spoolInto } from './spool-into.ts'
import { TarScanner } from './tar-scanner.ts'

/**
 * Reads a `docker save` archive, an OCI archive or layout folder, or a plain root file system as tar: plain, gzip or zstd, told by
 * what it holds and never by its name. Everything in it is checked, and its layers are unpacked into a folder of their own, which
 * disposing removes. A call that fails leaves nothing.
 *
 * @throws RootlessError `IMAGE_INVALID` with the entry and the reason, `INVALID_ARGUMENT`, `HOST_REFUSED`, `ABORTED`
 */
export async function openImageArchive(
  source: string | AsyncIterable<Uint8Array>,
  options: OpenImageOptions,
): Promise<ImageArchive> {
  const reference = options.reference === undefined ? null : parseImageReference(options.reference).text
  return spoolInto(options, async (context) => {
    const images = await readImages(source, context, options)
    return nameImages(images, reference)
  })
}

async function readImages(
  source: string | AsyncIterable<Uint8Array>,
  context: ReadingContext,
  options: OpenImageOptions,
): Promise<readonly ArchivedImage[]> {
  if (typeof source === 'string' && (await isFolder(source, context))) {
    const content = createFolderContent(context, source)
    if (!(await content.has(OCI_MARKER))) throw invalidImage('the folder', `is no OCI layout: it has no ${OCI_MARKER}`)
    return spoolAll(context, await readOciLayout(content, context.platform))
  }
  const { path, index } = await readOuterTar(source, context)
  const content = createTarContent(context, path, index)
  const plans = await recognise(content, index, context)
  const images = plans === null ? [await readRootFileSystem(path, context, options)] : await spoolAll(context, plans)
  if (plans !== null && path !== source) await context.door.files.remove(path)
  return images
}

/** `null` for a plain root file system. */
async function recognise(
  content: ArchiveContent,
  index: TarIndex,
  context: ReadingContext,
): Promise<readonly ImagePlan[] | null> {
  const isDocker = await content.has(DOCKER_MANIFEST)
  const isOci = await content.has(OCI_MARKER)
  if (!isDocker && !isOci) {
    if (await content.has('repositories')) throw invalidImage('the archive', 'was saved by a Docker before 1.10')
    return null
  }
  if (!index.isWhole) throw invalidImage('the archive', 'has too many entries for an archive of images')
  return isDocker ? readDockerArchive(content) : readOciLayout(content, context.platform)
}

async function spoolAll(context: ReadingContext, plans: readonly ImagePlan[]): Promise<readonly ArchivedImage[]> {
  const spooled: SpooledLayers = new Map()
  const images = new Map<string, ArchivedImage>()
  for (const plan of plans) {
    const image = await spoolImage(context, plan, spooled)
    const references = [...(images.get(image.id)?.references ?? []), ...image.references]
    images.set(image.id, { ...image, references: [...new Set(references)] })
  }
  return [...images.values()]
}

async function readRootFileSystem(path: string, context: ReadingContext, options: OpenImageOptions): Promise<ArchivedImage> {
  const own = posix.join(context.folder, 'archive.tar')
  const layer = await adoptLayer(context, path, own)
  const configJson = buildRootFileSystemConfig(layer.diffId, options.config ?? {}, context.platform)
  const source = { digest: null, open: () => Promise.reject(new Error('the layer was spooled before')) }
  return spoolImage(context, { references: [], configJson, layers: [source] }, new Map([[layer.diffId, layer]]))
}

/** Notes what lies where, and unpacks it into the spool folder unless it is a plain tar that lies in a file already. */
async function readOuterTar(
  source: string | AsyncIterable<Uint8Array>,
  context: ReadingContext,
): Promise<{ readonly path: string; readonly index: TarIndex }> {
  const where = 'the archive'
  const index = createTarIndex()
  const scanner = new TarScanner({ where, maximumEntries: context.limits.maximumEntries, onEntry: (entry) => index.add(entry) })
  const stream: AsyncIterable<Uint8Array> = typeof source === 'string' ? await context.door.files.openRead(source) : source
  const { compression, bytes } = await unpack(untilAborted(stream, context.signal), where, context.limits)
  const isInPlace = typeof source === 'string' && compression === 'none'
  const scanned = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      scanner.push(chunk)
      context.report('reading', chunk.length)
      if (!isInPlace) context.spend('archive', chunk.length)
      yield chunk
    }
  }
  const path = isInPlace ? source : posix.join(context.folder, 'archive.tar')
  if (isInPlace) await drain(scanned())
  else await writeSpooled(context, path, scanned)
  const { entries, hasEnd } = scanner.finish()
  if (!hasEnd) throw invalidImage(where, entries === 0 ? 'is empty' : 'is cut: it has no end')
  if (entries === 0) throw invalidImage(where, 'holds nothing')
  return { path, index }
}

async function isFolder(path: string, context: ReadingContext): Promise<boolean> {
  const answer = await context.door.status(path)
  const shown = JSON.stringify(printable(path))
  if (answer.status === 'absent') throw new RootlessError('INVALID_ARGUMENT', `there is no image archive ${shown}`)
  if (answer.status !== 'ok')
    throw new RootlessError('HOST_REFUSED', `the image archive ${shown} cannot be read: ${answer.reason}`)
  const { kind } = answer.value
  if (kind !== 'file' && kind !== 'directory')
    throw new RootlessError('INVALID_ARGUMENT', `${shown} is no image archive: it is a ${kind}`)
  return kind === 'directory'
}

/** @throws RootlessError `INVALID_ARGUMENT` when one name was given for more than one image. */
function nameImages(images: readonly ArchivedImage[], reference: string | null): readonly ArchivedImage[] {
  const [image] = images
  if (reference === null || image === undefined) return images
  if (images.length > 1) throw new RootlessError('INVALID_ARGUMENT', `${reference} cannot name ${images.length} images at once`)
  return [{ ...image, references: [...new Set([...image.references, reference])] }]
}

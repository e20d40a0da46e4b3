import type { ArchiveContent } from './archive-content.ts'
import type { ImagePlatform } from './image-archive.ts'
import { invalidImage } from './invalid-image.ts'
import { checkDigest, isIndex, parseIndex, parseManifest, type Descriptor } from './oci-manifest.ts'
import { readJsonBytes } from './read-json.ts'
import { parseArchivedReference, type ImagePlan } from './spool-image.ts'

/** The files that make a folder or a tar an OCI layout. */
export const OCI_MARKER = 'oci-layout'
const OCI_INDEX = 'index.json'
/** An index may lead to an index: one for the name, one for the platforms. */
const MAXIMUM_DEPTH = 4

/** @throws RootlessError `IMAGE_INVALID` */
export async function readOciLayout(content: ArchiveContent, platform: ImagePlatform): Promise<readonly ImagePlan[]> {
  const bytes = await readJsonBytes(await content.open(OCI_INDEX), OCI_INDEX)
  const plans = new Map<string, ImagePlan>()
  for (const each of parseIndex(bytes, platform, OCI_INDEX)) {
    const manifest = await followIndexes(content, each, platform)
    const plan = plans.get(manifest.digest) ?? (await readManifest(content, manifest))
    plans.set(manifest.digest, { ...plan, references: [...plan.references, ...parseName(each)] })
  }
  return [...plans.values()]
}

async function followIndexes(content: ArchiveContent, start: Descriptor, platform: ImagePlatform): Promise<Descriptor> {
  let found = start
  for (let depth = 0; isIndex(found); depth += 1) {
    if (depth === MAXIMUM_DEPTH) throw invalidImage(OCI_INDEX, `has more than ${MAXIMUM_DEPTH} indexes in each other`)
    const [first] = parseIndex(await readBlob(content, found, 'an index'), platform, 'an index')
    if (first === undefined) throw invalidImage(OCI_INDEX, 'leads to no image')
    found = first
  }
  return found
}

async function readManifest(content: ArchiveContent, descriptor: Descriptor): Promise<ImagePlan> {
  const where = `the manifest ${descriptor.digest.slice(0, 19)}`
  const manifest = parseManifest(await readBlob(content, descriptor, where), where)
  return {
    references: [],
    configJson: await readBlob(content, manifest.config, 'the configuration'),
    layers: manifest.layers.map(({ digest }) => ({ digest, open: () => content.open(blobPath(digest)) })),
  }
}

async function readBlob(content: ArchiveContent, descriptor: Descriptor, where: string): Promise<Buffer> {
  const bytes = await readJsonBytes(await content.open(blobPath(descriptor.digest)), where)
  checkDigest(bytes, descriptor.digest, where)
  return bytes
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

/** containerd writes the whole name; others the whole name or a tag alone, which names no image. */
function parseName(descriptor: Descriptor): readonly string[] {
  const name =
    descriptor.annotations['io.containerd.image.name'] ?? descriptor.annotations['org.opencontainers.image.ref.name'] ?? ''
  return /[/:]/u.test(name) ? [parseArchivedReference(name, OCI_INDEX)] : []
}

import * as z from 'zod'
import type { ImagePlatform } from './image-archive.ts'
import { DIGEST, digestOf } from './image-config.ts'
import { invalidImage } from './invalid-image.ts'
import { parseJson } from './read-json.ts'

/** What an index or a manifest says of a blob. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  /** As it lies in the archive; `null` when it does not say. */
  readonly sizeBytes: number | null
  readonly platform: ImagePlatform | null
  readonly annotations: Readonly<Record<string, string>>
}

export interface OciManifest {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

const INDEXES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
])
const CONFIGS: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
])
const MAXIMUM_DESCRIPTORS = 256

const descriptor = z
  .object({
    mediaType: z.string().nullish(),
    digest: z.string().regex(DIGEST),
    size: z.number().int().min(0).nullish(),
    platform: z.object({ os: z.string(), architecture: z.string() }).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
  })
  .transform((each): Descriptor => ({
    mediaType: each.mediaType ?? '',
    digest: each.digest,
    sizeBytes: each.size ?? null,
    platform: each.platform ?? null,
    annotations: each.annotations ?? {},
  }))

const indexDocument = z.object({ manifests: z.array(descriptor).min(1).max(MAXIMUM_DESCRIPTORS) })
const manifestDocument = z.object({ config: descriptor, layers: z.array(descriptor).max(MAXIMUM_DESCRIPTORS) })

/** Whether a document is a list of manifests; old ones carry no media type of their own. */
export function isIndex(each: Pick<Descriptor, 'mediaType'>): boolean {
  return INDEXES.has(each.mediaType)
}

/** The descriptors of an index that fit this platform. @throws RootlessError `IMAGE_INVALID` when none does. */
export function parseIndex(bytes: Buffer, platform: ImagePlatform, where: string): readonly Descriptor[] {
  const all = parseJson(bytes, indexDocument, where).manifests.filter((each) => !isAttestation(each))
  const fitting = all.filter((each) => each.platform === null || isSamePlatform(each.platform, platform))
  if (fitting.length > 0) return fitting
  const offered = all.map((each) => `${each.platform?.os ?? '?'}/${each.platform?.architecture ?? '?'}`).join(', ')
  throw invalidImage(where, `has no image for ${platform.os}/${platform.architecture}; it has ${offered || 'none'}`)
}

/** @throws RootlessError `IMAGE_INVALID` */
export function parseManifest(bytes: Buffer, where: string): OciManifest {
  const manifest = parseJson(bytes, manifestDocument, where)
  const { mediaType } = manifest.config
  if (mediaType !== '' && !CONFIGS.has(mediaType))
    throw invalidImage(where, `is no image: its configuration is ${JSON.stringify(mediaType.slice(0, 100))}`)
  const encrypted = manifest.layers.find((layer) => layer.mediaType.endsWith('+encrypted'))
  if (encrypted !== undefined) throw invalidImage(where, 'has an encrypted layer')
  return manifest
}

/** @throws RootlessError `IMAGE_INVALID` */
export function checkDigest(bytes: Buffer, digest: string, where: string): void {
  const actual = digestOf(bytes)
  if (actual !== digest) throw invalidImage(where, `has the digest ${actual}, and should have ${digest}`)
}

function isSamePlatform(offered: ImagePlatform, wanted: ImagePlatform): boolean {
  return offered.os === wanted.os && offered.architecture === wanted.architecture
}

/** BuildKit puts what it attests beside the images, for a platform that is none. */
function isAttestation(each: Descriptor): boolean {
  return each.annotations['vnd.docker.reference.type'] === 'attestation-manifest' || each.platform?.os === 'unknown'
}

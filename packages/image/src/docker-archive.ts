import { posix } from 'node:path'
import * as z from 'zod'
import type { ArchiveContent } from './archive-content.ts'
import { digestOf } from './image-config.ts'
import { invalidImage } from './invalid-image.ts'
import { parseJson, readJsonBytes } from './read-json.ts'
import { parseArchivedReference, type ImagePlan } from './spool-image.ts'

/** The file that makes a tar a `docker save` archive. */
export const DOCKER_MANIFEST = 'manifest.json'

/** More than anybody saves at once; each is checked by itself. */
export const MAXIMUM_IMAGES = 64

const dockerManifest = z
  .array(
    z.object({
      Config: z.string(),
      RepoTags: z.array(z.string()).nullish(),
      Layers: z.array(z.string()).nullish(),
    }),
  )
  .min(1)
  .max(MAXIMUM_IMAGES)

/** @throws RootlessError `IMAGE_INVALID` */
export async function readDockerArchive(content: ArchiveContent): Promise<readonly ImagePlan[]> {
  const bytes = await readJsonBytes(await content.open(DOCKER_MANIFEST), DOCKER_MANIFEST)
  const manifest = parseJson(bytes, dockerManifest, DOCKER_MANIFEST)
  const plans: ImagePlan[] = []
  for (const { Config, RepoTags, Layers } of manifest) {
    plans.push({
      references: (RepoTags ?? []).map((tag) => parseArchivedReference(tag, DOCKER_MANIFEST)),
      configJson: await readConfig(content, Config),
      layers: (Layers ?? []).map((path) => ({ digest: digestOfBlobPath(path), open: () => content.open(path) })),
    })
  }
  return plans
}

/** Its name is its digest: `<digest>.json`, and `blobs/sha256/<digest>` since Docker 25. */
async function readConfig(content: ArchiveContent, path: string): Promise<Buffer> {
  const bytes = await readJsonBytes(await content.open(path), 'the configuration')
  const said = /^([0-9a-f]{64})(?:\.json)?$/u.exec(posix.basename(path))?.[1]
  if (said !== undefined && digestOf(bytes) !== `sha256:${said}`) {
    throw invalidImage('the configuration', `has the digest ${digestOf(bytes)}, and is called ${posix.basename(path)}`)
  }
  return bytes
}

function digestOfBlobPath(path: string): string | null {
  const hex = /(?:^|\/)blobs\/sha256\/([0-9a-f]{64})$/u.exec(path)?.[1]
  return hex === undefined ? null : `sha256:${hex}`
}

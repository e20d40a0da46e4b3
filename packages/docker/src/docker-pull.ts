import { parseImageReference, pullImage } from '@rootless-runtime/image'
import { RootlessError, printable, type Image, type PullOptions } from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { toRefusal } from './docker-errors.ts'
import { readJsonLines } from './docker-json-lines.ts'
import { loadArchive, type ImagePlace } from './docker-load.ts'

const progressLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
})

interface LayerProgress {
  readonly bytes: number
  readonly totalBytes: number
}

/** Has Docker fetch an image. */
export async function pullByDocker(client: DockerClient, reference: string, options: PullOptions): Promise<void> {
  const { registry, repository, tag, digest, text } = parseImageReference(reference)
  const what = `pulling ${text}`
  const query = new URLSearchParams({ fromImage: `${registry}/${repository}`, tag: digest ?? tag ?? 'latest' })
  const body = await openBody(client, { method: 'POST', path: `/images/create?${query.toString()}`, what }, options)
  const layers = new Map<string, LayerProgress>()
  for await (const line of readJsonLines(body)) {
    const { error, id, status, progressDetail } = parseReply(progressLine, { text: line }, what)
    if (error !== undefined) throw toRefusal(what, error)
    const { current, total } = progressDetail ?? {}
    if (id === undefined || status !== 'Downloading' || current === undefined || total === undefined) continue
    layers.set(id, { bytes: current, totalBytes: total })
    report(layers, options)
  }
}

function report(layers: ReadonlyMap<string, LayerProgress>, { onProgress }: PullOptions): void {
  const sum = (pick: (layer: LayerProgress) => number): number =>
    [...layers.values()].reduce((total, layer) => total + pick(layer), 0)
  // Docker tells a layer's size when it begins with it: nobody knows of those that it has not begun with.
  onProgress?.({ phase: 'pulling', bytes: sum(({ bytes }) => bytes), totalBytes: null })
}

/**
 * Docker takes no word about TLS from a client: its daemon.json says which registries it asks without. So this process asks the
 * registry itself, and Docker gets what was checked.
 */
export async function pullWithoutTls(place: ImagePlace, reference: string, options: PullOptions): Promise<Image> {
  const { signal, onProgress } = options
  const given = { insecure: true, ...(signal !== undefined && { signal }), ...(onProgress !== undefined && { onProgress }) }
  const [image] = await loadArchive(place, (spool) => pullImage(reference, { ...spool, ...given }), options)
  if (image !== undefined) return image
  throw new RootlessError('IMAGE_NOT_FOUND', `nothing was pulled for ${printable(reference)}`, { engine: 'docker' })
}

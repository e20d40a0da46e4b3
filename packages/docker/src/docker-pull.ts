import { parseImageReference } from '@rootless-runtime/image'
import { RootlessError, type PullOptions } from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { toRefusal } from './docker-errors.ts'
import { readJsonLines } from './docker-json-lines.ts'

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

/** Has Docker fetch an image. Which registries may be asked without TLS is the daemon's own setting. */
export async function pullImage(client: DockerClient, reference: string, options: PullOptions): Promise<void> {
  const { registry, repository, tag, digest, text } = parseImageReference(reference)
  const what = `pulling ${text}`
  const query = new URLSearchParams({ fromImage: `${registry}/${repository}`, tag: digest ?? tag ?? 'latest' })
  const body = await openBody(client, { method: 'POST', path: `/images/create?${query.toString()}`, what }, options)
  const layers = new Map<string, LayerProgress>()
  for await (const line of readJsonLines(body)) {
    const { error, id, status, progressDetail } = parseReply(progressLine, { text: line }, what)
    if (error !== undefined) throw explainPull(what, error, registry, options)
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

// The daemon takes no word about TLS from a client; it tries plain HTTP by itself for registries on 127.0.0.0/8 and ::1.
function explainPull(what: string, error: string, registry: string, { insecure = false }: PullOptions): RootlessError {
  const refusal = toRefusal(what, error)
  if (!insecure || !/server gave HTTP response to HTTPS client/u.test(error)) return refusal
  const help = `Docker asks ${registry} without TLS only when its daemon.json lists it in insecure-registries`
  return new RootlessError('ENGINE_REFUSED', `${refusal.message}; ${help}`, { engine: 'docker', evidence: error })
}

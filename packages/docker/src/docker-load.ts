import { writeDockerArchive, type ArchivedImage, type ImageArchive } from '@rootless-runtime/image'
import { RootlessError, printable, type Image, type ImageProgress, type Machine } from '@rootless-runtime/core'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'
import { toRefusal } from './docker-errors.ts'
import { inspectImage } from './docker-inspect-image.ts'

/** What images are read and loaded with. */
export interface ImagePlace {
  readonly client: DockerClient
  readonly machine: Machine
}

/** Where an archive is unpacked while it is checked. */
export interface Spool {
  readonly door: Machine
  readonly spoolFolder: string
}

/** What goes along with loading. */
export interface LoadCall {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImageProgress) => void
}

/** Has an archive opened, which checks it, and gives Docker each of its images. */
export async function loadArchive(
  { machine, client }: ImagePlace,
  open: (spool: Spool) => Promise<ImageArchive>,
  call: LoadCall,
): Promise<readonly Image[]> {
  const data = machine.environment['XDG_DATA_HOME'] || `${machine.user.homeDirectory}/.local/share`
  const spoolFolder = `${data}/rootless-runtime/spool`
  await machine.files.makeDirectory(spoolFolder, { mode: 0o700 })
  await using archive = await open({ door: machine, spoolFolder })
  const images: Image[] = []
  for (const image of archive.images) images.push(await loadImage(machine, client, image, call))
  return images
}

async function loadImage(machine: Machine, client: DockerClient, image: ArchivedImage, call: LoadCall): Promise<Image> {
  const { signal, onProgress } = call
  const what = `loading the image ${image.references[0] ?? image.id}`
  const archive = writeDockerArchive(image, { door: machine, ...(signal !== undefined && { signal }) })
  const tar = countBytes(archive, (bytes) => onProgress?.({ phase: 'loading', bytes, totalBytes: null }))
  const reply = await client.work({ method: 'POST', path: '/images/load?quiet=1', body: { tar }, what }, call)
  throwLoadError(reply.text, what)
  // The engine's own word for what it has now: it is the image that was checked, or this throws.
  const given = await inspectImage(client, image.id, call)
  if (given.id === image.id) return given
  throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `${what}: Docker made ${given.id} of ${image.id}`, { engine: 'docker' })
}

async function* countBytes(chunks: AsyncIterable<Uint8Array>, report: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    report(bytes)
    yield chunk
  }
}

const failure = z.object({ error: z.string() })

// Status 200 is sent before anything is read; what went wrong stands in one of the lines of JSON.
function throwLoadError(text: string, what: string): void {
  for (const line of text.split('\n')) {
    if (!line.includes('"error"')) continue
    const words = parseReply(failure, { text: line }, what).error
    const refusal = toRefusal(what, words)
    if (refusal.code !== 'ENGINE_REFUSED') throw refusal
    const evidence = printable(words)
    throw new RootlessError('IMAGE_INVALID', `${what}: Docker says: ${evidence}`, { engine: 'docker', evidence })
  }
}

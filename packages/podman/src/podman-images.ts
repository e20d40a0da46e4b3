import { RootlessError, type Call, type Image, type Images, type LoadOptions, type Machine } from '@rootless-runtime/core'
import { openImageArchive, parseImageReference, writeDockerArchive, type ArchivedImage } from '@rootless-runtime/image'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { unreadableError } from './podman-errors.ts'
import { pullImage } from './podman-pull.ts'

/** The images of this user's store. */
export function createPodmanImages(api: PodmanApi, machine: Machine): Images {
  return {
    load: (source, options = {}) => load(api, machine, source, options),
    pull: async (reference, options = {}) => {
      const name = parseImageReference(reference).text
      await pullImage(api, name, options)
      return await inspectImage(api, name, options)
    },
    list: (call = {}) => listImages(api, call),
    inspect: (reference, call = {}) => inspectImage(api, reference, call),
    remove: (reference, call = {}) => removeImage(api, reference, call),
    export: (reference, call = {}) => {
      const path = `${at(toName(reference))}/get?format=docker-archive`
      return api.open({ method: 'GET', path, what: `export ${reference}`, timeoutMs: 'while-it-answers' }, call)
    },
  }
}

/** As our reader checked it, so what Podman sees has been seen by us; one archive each, since the names are each image's own. */
async function load(
  api: PodmanApi,
  machine: Machine,
  source: string | AsyncIterable<Uint8Array>,
  { reference, config, signal, onProgress }: LoadOptions,
): Promise<readonly Image[]> {
  const call = signal === undefined ? {} : { signal }
  await using archive = await openImageArchive(source, {
    door: machine,
    spoolFolder: await findSpoolFolder(machine),
    ...(reference !== undefined && { reference }),
    ...(config !== undefined && { config }),
    ...(onProgress !== undefined && { onProgress }),
    ...call,
  })
  const loaded: Image[] = []
  for (const image of archive.images) loaded.push(await loadOne(api, machine, image, { ...call, onProgress }))
  return loaded
}

async function loadOne(
  api: PodmanApi,
  machine: Machine,
  image: ArchivedImage,
  { signal, onProgress }: Pick<LoadOptions, 'signal'> & { readonly onProgress: LoadOptions['onProgress'] | undefined },
): Promise<Image> {
  const call = signal === undefined ? {} : { signal }
  const totalBytes = image.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0)
  const tar = count(writeDockerArchive(image, { door: machine, ...call }), (bytes) =>
    onProgress?.({ phase: 'loading', bytes: Math.min(bytes, totalBytes), totalBytes }),
  )
  const what = `load ${image.references[0] ?? image.id}`
  await api.ask({ method: 'POST', path: '/images/load', what, tar, timeoutMs: 'while-it-answers' }, call)
  const found = await inspectImage(api, image.id, call)
  if (found.id === image.id) return found
  throw unreadableError(what, `it was loaded as ${found.id}, not as ${image.id}`)
}

async function* count(source: AsyncIterable<Uint8Array>, report: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    report(bytes)
    yield chunk
  }
}

/** On the disk, where the store is: what is spooled may be larger than the memory. */
async function findSpoolFolder({ environment, files, user }: Machine): Promise<string> {
  const folder = `${environment['XDG_CACHE_HOME'] || `${user.homeDirectory}/.cache`}/rootless-runtime`
  await files.makeDirectory(folder)
  return folder
}

const listed = z.array(z.object({ Id: z.string() }))

async function listImages(api: PodmanApi, call: Call): Promise<readonly Image[]> {
  const what = 'list images'
  const answer = listed.safeParse((await api.ask({ method: 'GET', path: '/images/json', what }, call)) ?? [])
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const ids = [...new Set(answer.data.map(({ Id }) => Id))]
  const found = await Promise.all(ids.map((id) => inspectUnlessGone(api, id, call)))
  return found.filter((image) => image !== null)
}

/** `null` when it was removed since it was listed. */
async function inspectUnlessGone(api: PodmanApi, id: string, call: Call): Promise<Image | null> {
  try {
    return await inspectImage(api, id, call)
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'IMAGE_NOT_FOUND') return null
    throw error
  }
}

const texts = z.array(z.string()).nullish()
const keys = z.record(z.string(), z.unknown()).nullish()
const inspected = z.object({
  Id: z.string(),
  RepoTags: texts,
  Created: z.string().nullish(),
  Architecture: z.string(),
  Os: z.string(),
  Size: z.number(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Config: z
    .object({
      User: z.string().optional(),
      ExposedPorts: keys,
      Env: texts,
      Entrypoint: texts,
      Cmd: texts,
      Volumes: keys,
      WorkingDir: z.string().optional(),
      StopSignal: z.string().optional(),
    })
    .nullish(),
})

export async function inspectImage(api: PodmanApi, reference: string, call: Call): Promise<Image> {
  const what = `inspect the image ${reference}`
  const answer = inspected.safeParse(await api.ask({ method: 'GET', path: `${at(toName(reference))}/json`, what }, call))
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const { Id, RepoTags, Created, Architecture, Os, Size, Labels, Config } = answer.data
  return {
    id: Id.startsWith('sha256:') ? Id : `sha256:${Id}`,
    references: RepoTags ?? [],
    sizeBytes: Size,
    config: {
      entrypoint: Config?.Entrypoint ?? [],
      command: Config?.Cmd ?? [],
      environment: toEnvironment(Config?.Env ?? []),
      user: Config?.User ?? '',
      workdir: Config?.WorkingDir || '/',
      ports: Object.keys(Config?.ExposedPorts ?? {}),
      labels: Labels ?? {},
      volumes: Object.keys(Config?.Volumes ?? {}),
      stopSignal: Config?.StopSignal || null,
      architecture: Architecture,
      os: Os,
      createdAt: Created ?? null,
    },
  }
}

function toEnvironment(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.includes('=') ? line.indexOf('=') : line.length
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
}

/** Podman refuses an id with more than one name, unless by force, which takes the containers too: each name is removed instead. */
async function removeImage(api: PodmanApi, reference: string, call: Call): Promise<void> {
  const what = `remove the image ${reference}`
  const remove = (name: string): Promise<unknown> => api.ask({ method: 'DELETE', path: at(name), what }, call)
  const { id, references } = await inspectImage(api, reference, call)
  const isId = id.startsWith(toId(reference))
  if (!isId || references.length < 2) return void (await remove(isId ? id.replace('sha256:', '') : toName(reference)))
  for (const name of references) await remove(name)
}

function toId(text: string): string {
  return `sha256:${text.replace(/^sha256:/u, '')}`
}

function at(name: string): string {
  return `/images/${encodeURIComponent(name)}`
}

/** An id as Podman 3.0 knows it, without `sha256:`; a name as it is, since Podman looks for a short one in the store first. */
function toName(reference: string): string {
  return /^sha256:[0-9a-f]{64}$/u.test(reference) ? reference.slice('sha256:'.length) : reference
}

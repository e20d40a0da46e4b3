import type { Readable } from 'node:stream'
import { RootlessError, type Call } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { unreadableError } from './podman-errors.ts'
import { parseJson } from './podman-http.ts'
import { inspectContainer, toContainerPath } from './podman-inspect.ts'

/** What goes where. */
export interface CopyInto {
  readonly id: string
  readonly targetFolder: string
  readonly tar: AsyncIterable<Uint8Array>
}

/** Unpacks a tar stream in a folder inside. Podman would make a folder that is not there, so that is looked at first. */
export async function copyInto(api: PodmanApi, { id, targetFolder, tar }: CopyInto, call: Call): Promise<void> {
  const what = `copy into ${targetFolder} of ${id}`
  const path = toPath(id, targetFolder)
  const { found, headers } = await api.head({ path, what }, call)
  if (!found) await inspectContainer(api, id, call)
  if (!found || !isFolder(headers.get('x-docker-container-path-stat'), what))
    throw new RootlessError('PATH_NOT_FOUND', `${what}: there is no such folder inside`, { engine: 'podman' })
  await api.ask({ method: 'PUT', path, what, tar, timeoutMs: null }, call)
}

/** A file or folder inside as a tar stream. */
export function copyFrom(
  api: PodmanApi,
  { id, path }: { readonly id: string; readonly path: string },
  call: Call,
): Promise<Readable> {
  return api.open({ method: 'GET', path: toPath(id, path), what: `copy ${path} of ${id}` }, call)
}

function toPath(id: string, path: string): string {
  return `${toContainerPath(id)}/archive?path=${encodeURIComponent(path)}`
}

const stat = z.object({ mode: z.number() })
/** ModeDir of Go's io/fs. */
const FOLDER_BIT = 2 ** 31

/** Podman tells it as JSON in base64; a link is what it leads to. */
function isFolder(header: unknown, what: string): boolean {
  const text = Buffer.from(typeof header === 'string' ? header : '', 'base64').toString()
  const parsed = stat.safeParse(parseJson(text, what))
  if (!parsed.success) throw unreadableError(what, z.prettifyError(parsed.error))
  return Math.floor(parsed.data.mode / FOLDER_BIT) % 2 === 1
}

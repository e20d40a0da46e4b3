import { printable, RootlessError, type Call } from '@rootless-runtime/core'
import type { PodmanApi } from './podman-api.ts'
import { findCutRemoval } from './podman-cut.ts'
import { parseInspected, type InspectedContainer } from './podman-state.ts'

/** What Podman says of one container, by name or id. */
export async function inspectContainer(api: PodmanApi, nameOrId: string, call: Call): Promise<InspectedContainer> {
  const what = `inspect ${nameOrId}`
  try {
    const json = await api.ask({ method: 'GET', path: `${toContainerPath(nameOrId)}/json`, what }, call)
    return parseInspected(json, what, await api.version())
  } catch (error) {
    const cut = await findCutRemoval(api, nameOrId, { error, call })
    if (cut !== null) return cut
    throw error
  }
}

/** @throws RootlessError `CONTAINER_NOT_FOUND` for what Podman lets no container be called: a path may be another question. */
export function toContainerPath(nameOrId: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u.test(nameOrId)) return `/containers/${nameOrId}`
  throw new RootlessError('CONTAINER_NOT_FOUND', `${JSON.stringify(printable(nameOrId))} is the name of no container`, {
    engine: 'podman',
  })
}

import type { Call } from '@rootless-runtime/core'
import type { PodmanApi } from './podman-api.ts'
import { parseInspected, type InspectedContainer } from './podman-state.ts'

/** What Podman says of one container, by name or id. */
export async function inspectContainer(api: PodmanApi, nameOrId: string, call: Call): Promise<InspectedContainer> {
  const what = `inspect ${nameOrId}`
  const json = await api.ask({ method: 'GET', path: `/containers/${encodeURIComponent(nameOrId)}/json`, what }, call)
  return parseInspected(json, what, await api.version())
}

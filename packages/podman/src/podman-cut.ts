import { RootlessError, unknownFact, type Call, type DriverSummary } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { unreadableError } from './podman-errors.ts'
import { parseListed, type InspectedContainer } from './podman-state.ts'

// What a Podman that was killed in the middle leaves, which its next one knows in part (4.3.1).

/** Of a container whose removal was cut: its storage is gone, and Podman lists it still. */
const CUT_REMOVAL = /getting container from store|layer not known|container not known/u

/**
 * What the list says of a container that Podman cannot look at, since its removal was cut: it runs no more, and can be removed. `null`
 * for any other.
 */
export async function findCutRemoval(
  api: PodmanApi,
  nameOrId: string,
  { error, call }: { readonly error: unknown; readonly call: Call },
): Promise<InspectedContainer | null> {
  if (!(error instanceof RootlessError) || !CUT_REMOVAL.test(error.evidence ?? '')) return null
  const what = `inspect ${nameOrId}`
  const all = parseListed(await api.ask({ method: 'GET', path: '/containers/json?all=true', what }, call), what)
  const found = all.find(({ id, name }) => name === nameOrId || id.startsWith(nameOrId))
  return found === undefined ? null : toInspected(found)
}

function toInspected({ id, name, image, imageId, labels, createdAt, exitCode }: DriverSummary): InspectedContainer {
  const why = unknownFact('its removal was cut, and Podman tells no more of it', 'podman ps')
  return {
    state: {
      id,
      name,
      status: 'ended',
      image,
      imageId,
      command: [],
      labels,
      createdAt,
      startedAt: null,
      endedAt: null,
      exitCode,
      outOfMemory: why,
      pid: null,
      address: null,
      terminal: false,
      stopSignal: null,
    },
    networkMode: '',
    stdin: false,
    execIds: [],
    hostsPath: null,
    logPath: null,
    mounts: new Map(),
  }
}

const external = z.array(
  z.object({ Id: z.string(), Names: z.array(z.string()).nullish(), State: z.string(), Created: z.coerce.date() }),
)

/** Podman keeps whole seconds of it. */
const CLOCK_MS = 1000

/**
 * Removes the storage of a container that Podman was about to make, whose name nothing can have before that. It is younger than the
 * call that made it: nobody else's of that name, which would have been in that call's way.
 */
export async function discardUnlisted(api: PodmanApi, name: string, since: Date, call: Call): Promise<void> {
  const what = `look for the rest of ${name}`
  const path = '/containers/json?all=true&external=true'
  const answer = external.safeParse((await api.ask({ method: 'GET', path, what }, call)) ?? [])
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const rests = answer.data.filter(
    ({ Names, State, Created }) =>
      State === 'storage' && Names?.includes(name) === true && Created.getTime() > since.getTime() - CLOCK_MS,
  )
  for (const { Id } of rests)
    await api.ask({ method: 'DELETE', path: `/containers/${Id}?force=true`, what: `remove the rest of ${name}` }, call)
}

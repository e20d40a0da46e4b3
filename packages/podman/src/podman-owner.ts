import { RootlessError, type Call, type ContainerPlan } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import type { IdMapping } from './podman-create-body.ts'
import { unreadableError } from './podman-errors.ts'
import { toContainerPath } from './podman-inspect.ts'
import { inspectImage } from './podman-images.ts'

/** Maps of ids in which the caller is the container's user; `null` for Podman's own, in which the caller is root. */
export interface Maps {
  readonly uidMap: readonly IdMapping[] | null
  readonly gidMap: readonly IdMapping[] | null
}

/** How a mount with `owner: 'me'` is kept. */
export interface OwnerMaps {
  find(plan: ContainerPlan, call: Call): Promise<Maps>
}

const PODMANS: Maps = { uidMap: null, gidMap: null }

export function createOwnerMaps(api: PodmanApi): OwnerMaps {
  let asked: Promise<Sizes> | undefined
  return {
    find: async (plan, call) => {
      const isAsked = plan.mounts.some((mount) => (mount.kind ?? 'host') === 'host' && 'owner' in mount && mount.owner === 'me')
      if (!isAsked) return PODMANS
      const user = plan.user ?? (await inspectImage(api, plan.image, call)).config.user
      const ids = parseIds(user) ?? (await readIds(api, plan, user, call))
      if (ids.uid === 0 && ids.gid === 0) return PODMANS
      const sizes = await (asked ??= readSizes(api, call).catch((error: unknown) => {
        asked = undefined
        throw error
      }))
      return { uidMap: toMap(ids.uid, sizes.uids, plan.name), gidMap: toMap(ids.gid, sizes.gids, plan.name) }
    },
  }
}

interface Ids {
  readonly uid: number
  readonly gid: number
}

interface Sizes {
  readonly uids: number
  readonly gids: number
}

/** What needs no look into the image; `undefined` when it does. */
function parseIds(user: string): Ids | undefined {
  if (['', 'root', '0', '0:0', 'root:root', 'root:0', '0:root'].includes(user)) return { uid: 0, gid: 0 }
  const found = /^(\d+):(\d+)$/u.exec(user)
  return found === null ? undefined : { uid: Number(found[1]), gid: Number(found[2]) }
}

/**
 * The same as Podman's keep-id with a uid and a gid, which only 4.3 and later have: the numbers outside are those of Podman's own
 * map, in which 0 is the caller.
 */
export function toMap(id: number, size: number, name: string): readonly IdMapping[] {
  if (id >= size)
    throw new RootlessError('NOT_SUPPORTED', `${name}: this user has ${size} ids, and the container's user is number ${id}`, {
      engine: 'podman',
    })
  return [
    { containerId: 0, hostId: 1, size: id },
    { containerId: id, hostId: 0, size: 1 },
    { containerId: id + 1, hostId: id + 1, size: size - id - 1 },
  ].filter((part) => part.size > 0)
}

const ranges = z.array(z.object({ size: z.number() }))
const info = z.object({ host: z.object({ idMappings: z.object({ uidmap: ranges, gidmap: ranges }) }) })

async function readSizes(api: PodmanApi, call: Call): Promise<Sizes> {
  const what = 'ask for the map of ids'
  const answer = info.safeParse(await api.ask({ method: 'GET', path: '/info', what }, call))
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const { uidmap, gidmap } = answer.data.host.idMappings
  const sum = (parts: typeof uidmap): number => parts.reduce((total, { size }) => total + size, 0)
  return { uids: sum(uidmap), gids: sum(gidmap) }
}

const made = z.object({ Id: z.string() })

/** Looks into the image by a container of it that is never started. */
async function readIds(api: PodmanApi, plan: ContainerPlan, user: string, call: Call): Promise<Ids> {
  const what = `look for the user of ${plan.name}`
  const json = { name: `${plan.name}-user`, image: plan.image, labels: plan.labels, command: ['none'] }
  // Without the caller's signal: it is made before it can be removed.
  const answer = made.safeParse(await api.ask({ method: 'POST', path: '/containers/create', what, json }, {}))
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const path = toContainerPath(answer.data.Id)
  try {
    const read = (file: string): Promise<string> => readFile(api, `${path}/archive?path=${encodeURIComponent(file)}`, what, call)
    return findIds(user, await read('/etc/passwd'), await read('/etc/group'))
  } finally {
    await api.ask({ method: 'DELETE', path: `${path}?v=true&force=true`, what }, {})
  }
}

/** @throws RootlessError `USER_NOT_FOUND` */
export function findIds(user: string, passwd: string, group: string): Ids {
  const [name = '', groupName] = user.split(':')
  const entry = findEntry(passwd, name)
  const uid = /^\d+$/u.test(name) ? Number(name) : Number(entry?.[2] ?? Number.NaN)
  const gid =
    groupName === undefined
      ? Number(entry?.[3] ?? 0)
      : /^\d+$/u.test(groupName)
        ? Number(groupName)
        : Number(findEntry(group, groupName)?.[2] ?? Number.NaN)
  if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid, gid }
  throw new RootlessError('USER_NOT_FOUND', `the image has no user ${JSON.stringify(user)}`, { engine: 'podman' })
}

function findEntry(text: string, nameOrId: string): readonly string[] | undefined {
  const lines = text.split('\n').map((line) => line.split(':'))
  return lines.find(([name]) => name === nameOrId) ?? lines.find(([, , id]) => id === nameOrId)
}

const HEADER_BYTES = 512
const MAXIMUM_BYTES = 1024 * 1024

/** The first file of a tar; nothing when the image has no such file. */
async function readFile(api: PodmanApi, path: string, what: string, call: Call): Promise<string> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of await api.open({ method: 'GET', path, what }, call)) {
      chunks.push(chunk)
      if (chunks.reduce((sum, { length }) => sum + length, 0) > MAXIMUM_BYTES) break
    }
    const tar = Buffer.concat(chunks)
    const sizeBytes = Number.parseInt(tar.toString('latin1', 124, 135), 8)
    return tar.toString('utf8', HEADER_BYTES, HEADER_BYTES + sizeBytes)
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'PATH_NOT_FOUND') return ''
    throw error
  }
}

import { unknownFact, known, type Fact } from '../fact.ts'
import { parseMountInfo } from '../mount.ts'
import type { System } from '../system.ts'

/** Where the files of a cgroup are, for one controller. `unified` is cgroup v2, where all controllers share one tree. */
export interface CgroupPlace {
  readonly controller: string
  /** The mount of its hierarchy. */
  readonly root: string
  /** The cgroup's path below it, `/` for the root. */
  readonly path: string
  readonly unified: boolean
}

/**
 * The cgroups of a process, each with its folder: /proc/PID/cgroup beside the mounts, cgroups(7). The paths are as this process's
 * own cgroup namespace shows them.
 */
export async function readCgroupPlaces(system: System, pid: number): Promise<Fact<readonly CgroupPlace[]>> {
  const source = `/proc/${pid}/cgroup`
  const [cgroup, mounts] = await Promise.all([system.readText(source), system.readText('/proc/self/mountinfo')])
  if (cgroup.status !== 'ok') return unknownFact(cgroup.reason, source)
  if (mounts.status !== 'ok') return unknownFact(mounts.reason, '/proc/self/mountinfo')
  return known(parseCgroupPlaces(cgroup.value, mounts.value), source)
}

/** Lines as `4:memory:/user/1000` and `0::/user.slice`, beside the text of mountinfo. */
export function parseCgroupPlaces(cgroup: string, mountInfo: string): readonly CgroupPlace[] {
  const mounts = parseMountInfo(mountInfo)
  return cgroup.split('\n').flatMap((line): readonly CgroupPlace[] => {
    const [number, controllers, ...rest] = line.split(':')
    const path = rest.join(':')
    if (controllers === undefined || !path.startsWith('/')) return []
    if (number === '0' && controllers === '') {
      const root = mounts.find(({ type }) => type === 'cgroup2')?.mountPoint
      return root === undefined ? [] : [{ controller: 'unified', root, path, unified: true }]
    }
    return controllers.split(',').flatMap((controller) => {
      const root = mounts.find(({ type, superOptions }) => type === 'cgroup' && superOptions.includes(controller))?.mountPoint
      return root === undefined ? [] : [{ controller, root, path, unified: false }]
    })
  })
}

/** The place of a controller: its v1 hierarchy when it has one, else the unified tree. */
export function findPlace(places: readonly CgroupPlace[], controller: string): CgroupPlace | undefined {
  return places.find((place) => place.controller === controller) ?? places.find(({ unified }) => unified)
}

/** The folders of a cgroup and of those above it, from itself up, without the root, which limits nothing. */
export function listFolders({ root, path }: CgroupPlace): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.map((_, index) => `${root}/${parts.slice(0, parts.length - index).join('/')}`)
}

/** A number of a cgroup file; `max` is `null`, and what is no number is `undefined`. */
export async function readCgroupNumber(system: System, path: string): Promise<number | null | undefined> {
  const answer = await system.readText(path)
  if (answer.status !== 'ok') return undefined
  const text = answer.value.trim()
  if (text === 'max' || text === '-1') return null
  return /^\d+$/u.test(text) ? Number(text) : undefined
}

/** A number of a line `key number` in a cgroup file, as of cpu.stat. */
export async function readCgroupKey(system: System, path: string, key: string): Promise<number | undefined> {
  const answer = await system.readText(path)
  if (answer.status !== 'ok') return undefined
  const line = answer.value.split('\n').find((text) => text.startsWith(`${key} `))
  const value = Number(line?.slice(key.length + 1))
  return line === undefined || !Number.isFinite(value) ? undefined : value
}

import type { SystemUser } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'

/** Numbers inside of a container. */
export interface InsideIds {
  readonly uid: number
  readonly gid: number
}

/**
 * The maps, with the caller's own ids outside for these ids inside. Every other id keeps its place, and with it the files of the image
 * that belong to it.
 */
export function toOwnedMaps(maps: readonly IdMap[], inside: InsideIds, own: Pick<SystemUser, 'uid' | 'gid'>): readonly IdMap[] {
  return replaceId(replaceId(maps, 'u', inside.uid, own.uid), 'g', inside.gid, own.gid)
}

/** An id that nothing maps yet gets a map of its own. */
function replaceId(maps: readonly IdMap[], kind: IdMap['kind'], inside: number, outside: number): readonly IdMap[] {
  const own: IdMap = { kind, inside, outside, count: 1 }
  const holds = (map: IdMap): boolean => map.kind === kind && map.inside <= inside && inside < map.inside + map.count
  const index = maps.findIndex(holds)
  const map = maps[index]
  if (map === undefined) return [...maps, own]
  const before = inside - map.inside
  const after = map.count - before - 1
  const pieces: readonly IdMap[] = [
    { ...map, count: before },
    own,
    { ...map, inside: inside + 1, outside: map.outside + before + 1, count: after },
  ]
  return maps.toSpliced(index, 1, ...pieces.filter(({ count }) => count > 0))
}

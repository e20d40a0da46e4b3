import { posix } from 'node:path'
import type { Call, SystemUser } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { checkEnd, checkUnpacked } from './lxc-errors.ts'
import { PACK, UNPACK, renameUnlessThere } from './lxc-image-build.ts'
import { imagePathsOf } from './lxc-image-store.ts'
import { pipePrograms, runMapped, toMappedProgram, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import type { RootfsRequest } from './lxc-parts.ts'
import type { FileStore } from './lxc-store.ts'

/** The ids inside that are the caller's own outside, in place of those of the user's map. */
export interface OwnIds {
  readonly uid: number | null
  readonly gid: number | null
}

/** Pure. Ids above the user's map belong to no file of an image. */
export function findOwnIds(maps: readonly IdMap[], base: readonly IdMap[], user: Pick<SystemUser, 'uid' | 'gid'>): OwnIds {
  const find = (kind: IdMap['kind'], outside: number): number | null => {
    const own = maps.find((map) => map.kind === kind && map.outside === outside && map.count === 1)
    if (own === undefined) return null
    const isOfImage = base.some((map) => map.kind === kind && map.inside <= own.inside && own.inside < map.inside + map.count)
    return isOfImage ? own.inside : null
  }
  return { uid: find('u', user.uid), gid: find('g', user.gid) }
}

/**
 * The root file system that containers with these maps share. Where the caller's own ids take the place of others, files of those
 * would be nobody's inside: such containers get a copy of their own, made once for each image.
 */
export async function ensureBase(door: FileDoor, store: FileStore, request: RootfsRequest, call: Call): Promise<string> {
  const { machine } = door
  const image = imagePathsOf(store, request.imageId)
  const base = await door.idMaps()
  const { uid, gid } = findOwnIds(request.idMaps, base, machine.user)
  if (uid === null && gid === null) return image.rootfs
  // A folder of ours around it: rename(2) moves no folder of another owner.
  const path = posix.join(image.folder, `owned-u${uid ?? ''}-g${gid ?? ''}`)
  if ((await machine.status(path)).status === 'ok') return posix.join(path, 'rootfs')
  const folder = store.newWorkPath()
  await machine.files.makeDirectory(folder, { mode: 0o711 })
  try {
    const rootfs = posix.join(folder, 'rootfs')
    const maps = withOwnIds(request.idMaps, machine.user)
    checkEnd(await runMapped(machine, maps, ['install', '-d', '-o', '0', '-g', '0', '--', rootfs]), 'make a root file system')
    const from = toMappedProgram(base, [...PACK, '-C', image.rootfs, '.'])
    const ends = await pipePrograms(machine, from, toMappedProgram(request.idMaps, [...UNPACK, '-C', rootfs]), call.signal)
    checkUnpacked(ends.to, 'unpack the image for the ids of its user')
    checkEnd(ends.from, 'read the image')
    await renameUnlessThere(door, folder, path)
  } finally {
    await store.removeTree(folder)
  }
  return posix.join(path, 'rootfs')
}

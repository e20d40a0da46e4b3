import { posix } from 'node:path'
import { printable, RootlessError, type Machine, type VolumeState, type Volumes } from '@rootless-runtime/core'
import * as z from 'zod'
import { checkEnd } from './lxc-errors.ts'
import { renameUnlessThere } from './lxc-image-build.ts'
import { listNames, listUsers, readJson } from './lxc-image-store.ts'
import { runMapped, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import type { FileStore } from './lxc-store.ts'

const volumeFile = z.object({ name: z.string(), labels: z.record(z.string(), z.string()) })

/** Where the parts of a volume lie. */
export interface VolumePaths {
  readonly folder: string
  readonly file: string
  readonly data: string
  /** One file for each container that mounts it. */
  readonly usersFolder: string
}

export function toVolumePaths(folder: string): VolumePaths {
  const at = (name: string): string => posix.join(folder, name)
  return { folder, file: at('volume.json'), data: at('data'), usersFolder: at('users') }
}

export function volumePathsOf(store: FileStore, name: string): VolumePaths {
  return toVolumePaths(posix.join(store.volumesFolder, name))
}

/** Named folders of our store, which root inside owns. */
export function createLxcVolumes(door: FileDoor, store: FileStore): Volumes {
  return {
    create: async (name, { labels = {} } = {}) => {
      await store.prepare()
      if (!(await makeVolume(door, store, { name: checkVolumeName(name), labels })))
        throw new RootlessError('NAME_IN_USE', `there is a volume ${name}`, { engine: 'lxc' })
    },
    list: async () => {
      const names = await listNames(door.machine, store.volumesFolder)
      const volumes = await Promise.all(names.map((name) => readVolume(door.machine, store, name)))
      return volumes.filter((volume) => volume !== null)
    },
    remove: (name) => removeVolume(door, store, checkVolumeName(name)),
  }
}

/** As Docker names them. @throws RootlessError `INVALID_ARGUMENT` */
function checkVolumeName(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/u.test(name)) return name
  throw new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(printable(name, 80))} is no name of a volume`, { engine: 'lxc' })
}

async function readVolume(machine: Machine, store: FileStore, name: string): Promise<VolumeState | null> {
  return readJson(machine, volumePathsOf(store, name).file, volumeFile)
}

/** `false` when one of that name is there. */
export async function makeVolume(door: FileDoor, store: FileStore, volume: VolumeState): Promise<boolean> {
  const { machine } = door
  if ((await readVolume(machine, store, volume.name)) !== null) return false
  const paths = toVolumePaths(store.newWorkPath())
  await machine.files.makeDirectory(paths.folder, { mode: 0o711 })
  try {
    await machine.files.makeDirectory(paths.usersFolder)
    const maps = withOwnIds(await door.idMaps(), machine.user)
    const made = await runMapped(machine, maps, ['install', '-d', '-o', '0', '-g', '0', '-m', '0755', '--', paths.data])
    checkEnd(made, 'make a volume')
    await machine.files.write(paths.file, `${JSON.stringify(volume)}\n`)
    return await renameUnlessThere(door, paths.folder, volumePathsOf(store, volume.name).folder)
  } finally {
    await store.removeTree(paths.folder)
  }
}

async function removeVolume(door: FileDoor, store: FileStore, name: string): Promise<void> {
  const { machine } = door
  if ((await readVolume(machine, store, name)) === null)
    throw new RootlessError('VOLUME_NOT_FOUND', `there is no volume ${name}`, { engine: 'lxc' })
  const { folder } = volumePathsOf(store, name)
  await throwIfUsed(machine, store, name, folder)
  const gone = store.newWorkPath()
  await machine.files.rename(folder, gone)
  // A container that was made before it was out of reach has its file in there by now.
  try {
    await throwIfUsed(machine, store, name, gone)
  } catch (error) {
    await machine.files.rename(gone, folder)
    throw error
  }
  await store.removeTree(gone)
}

async function throwIfUsed(machine: Machine, store: FileStore, name: string, folder: string): Promise<void> {
  const [user] = await listUsers(machine, store, toVolumePaths(folder))
  if (user === undefined) return
  throw new RootlessError('VOLUME_IN_USE', `the volume ${name} is used by the container ${user}; remove it first`, {
    engine: 'lxc',
  })
}

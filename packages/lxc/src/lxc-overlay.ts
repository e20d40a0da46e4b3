import { posix } from 'node:path'
import { checkEnd } from './lxc-errors.ts'
import { runMapped, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import type { FileStore } from './lxc-store.ts'

export interface OverlayFolders {
  readonly lower: string
  readonly upper: string
  readonly work: string
}

/**
 * Options of mount(8). `userxattr`: without it a user namespace cannot mark a folder as opaque, and removing one that the image has
 * fails with "Input/output error" (Linux 5.11, Documentation/filesystems/overlayfs.rst; seen with LXC 5.0.2).
 */
export function toOverlayOptions({ lower, upper, work }: OverlayFolders): string {
  return `lowerdir=${lower},upperdir=${upper},workdir=${work},userxattr`
}

/** Both layers to look at, while another mount may write. */
export function toReadOnlyOptions({ lower, upper }: Pick<OverlayFolders, 'lower' | 'upper'>): string {
  return `ro,lowerdir=${upper}:${lower},userxattr`
}

/** What separates in the options of an overlay, and in LXC's `overlay:LOWER:UPPER`. */
export function isOverlayPath(path: string): boolean {
  return !/[,:\\\s"']/u.test(path)
}

/** Before 5.0 liblxc left the options out when there was one of its user's (storage/overlay.c, `options_work`). */
export function keepsOverlayOptions(version: string): boolean {
  return Number.parseInt(version, 10) >= 5
}

const TRY =
  'mkdir -p "$1/lower/folder" "$1/upper" "$1/work" "$1/root" && unshare -m -- sh -c \'mount -t overlay -o "$1" overlay "$2" && rm -r "$2/folder" && mkdir "$2/folder"\' sh "$2" "$1/root"'

const tried = new WeakMap<FileStore, Promise<boolean>>()

/** Whether root of a container can mount an overlay here and use it; tried once, as file systems and kernels differ in it. */
export async function tryOverlay(door: FileDoor, store: FileStore): Promise<boolean> {
  const answer = tried.get(store) ?? recall(door, store)
  tried.set(store, answer)
  try {
    return await answer
  } catch (error) {
    tried.delete(store)
    throw error
  }
}

/** The answer holds until the next boot, or another LXC: trying takes longer than all else that a root file system needs. */
async function recall(door: FileDoor, store: FileStore): Promise<boolean> {
  const version = await door.version()
  if (!isOverlayPath(store.root) || !keepsOverlayOptions(version)) return false
  const file = posix.join(store.root, 'overlay')
  const [known, boot] = await Promise.all([door.machine.readText(file), door.machine.readText('/proc/sys/kernel/random/boot_id')])
  const here = boot.status === 'ok' ? `${boot.value.trim()} ${version}` : ''
  for (const works of [true, false]) if (known.status === 'ok' && here !== '' && known.value === `${here} ${works}`) return works
  const works = await mountOverlay(door, store)
  await door.machine.files.write(file, `${here} ${works}`)
  return works
}

async function mountOverlay(door: FileDoor, store: FileStore): Promise<boolean> {
  const maps = withOwnIds(await door.idMaps(), door.machine.user)
  const folder = store.newWorkPath()
  checkEnd(await runMapped(door.machine, maps, ['install', '-d', '-o', '0', '-g', '0', '--', folder]), 'make a folder')
  const at = (name: string): string => posix.join(folder, name)
  const options = toOverlayOptions({ lower: at('lower'), upper: at('upper'), work: at('work') })
  try {
    return (await runMapped(door.machine, maps, ['sh', '-c', TRY, 'sh', folder, options])).exitCode === 0
  } finally {
    await store.removeTree(folder)
  }
}

import { posix } from 'node:path'
import { listNames } from './lxc-image-store.ts'
import type { FileDoor } from './lxc-mapped.ts'
import { CONTAINER_FILES } from './lxc-messages.ts'
import { listSecretsFolders } from './lxc-secrets.ts'
import { removeLeftovers, type FileStore } from './lxc-store.ts'

/**
 * What processes that have ended left and no list shows: half-made things, and what a program that one of them had started made after
 * its container had been removed.
 */
export async function sweepStore(door: FileDoor, store: FileStore): Promise<void> {
  const { machine } = door
  await removeLeftovers(door, store)
  const ids = await listNames(machine, store.containersFolder)
  const isGone = async (id: string): Promise<boolean> =>
    (await machine.status(posix.join(store.containerFolder(id), CONTAINER_FILES.record))).status === 'absent'
  const left: string[] = []
  for (const id of ids) if (await isGone(id)) left.push(store.containerFolder(id))
  for (const { folder, containerId } of await listSecretsFolders(machine)) if (await isGone(containerId)) left.push(folder)
  if (left.length > 0) await store.removeTree(...left)
}

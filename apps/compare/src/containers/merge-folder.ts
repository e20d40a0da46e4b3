import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RootlessError } from 'rootless-runtime'

const OWN_FOLDER_MODE = 0o700

/**
 * Moves what is at `from` to `to`, on one file system. A folder is merged into a folder; anything else takes the place of
 * anything else. No link at the target is followed: it is replaced.
 *
 * @throws RootlessError `HOST_REFUSED` where a folder and something else meet.
 */
export async function moveInto(from: string, to: string): Promise<void> {
  const [ours, theirs] = await Promise.all([lstat(from), lstat(to).catch(() => null)])
  if (!ours.isDirectory()) {
    if (theirs?.isDirectory() === true) throw new RootlessError('HOST_REFUSED', `${to}: a folder is there`)
    return rename(from, to)
  }
  if (theirs !== null && !theirs.isDirectory())
    throw new RootlessError('HOST_REFUSED', `${to}: a folder cannot take the place of what is there`)
  // rename(2) and readdir(3) of a folder need these; a folder that a container closed is closed again at its new place.
  const mode = ours.mode & 0o777
  const closed = (mode & OWN_FOLDER_MODE) !== OWN_FOLDER_MODE
  if (closed) await chmod(from, mode | OWN_FOLDER_MODE)
  if (theirs !== null) {
    for (const name of await readdir(from)) await moveInto(join(from, name), join(to, name))
    return
  }
  await rename(from, to)
  if (closed) await chmod(to, mode)
}

/** Removes a folder with all that is in it, closed folders too. */
export async function removeFolder(path: string): Promise<void> {
  await openFolder(path)
  await rm(path, { recursive: true, force: true })
}

async function openFolder(path: string): Promise<void> {
  await chmod(path, OWN_FOLDER_MODE)
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries) if (entry.isDirectory()) await openFolder(join(path, entry.name))
}

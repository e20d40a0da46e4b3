import { RootlessError } from '../errors.ts'
import { knownValue } from '../fact.ts'
import { readMountOf } from '../read-mount.ts'
import type { Machine } from '../system.ts'

/** Where a container finds its secrets. */
export const SECRETS_TARGET = '/run/secrets'

/** Folders in memory with the secrets of containers, one for each container that has any, to be mounted read-only. */
export interface SecretFolders {
  /** `null` without secrets. Their mode is 0444 unless told. @throws RootlessError `NOT_SUPPORTED` when this user has no folder in memory */
  make(secrets: Readonly<Record<string, Uint8Array>>, mode?: number): Promise<string | null>
  /** An empty folder, for an engine that puts them there itself, as files of the container's user. */
  makeEmpty(): Promise<string>
  /** Removes a folder that `make` made, in whatever process; any other is left alone. */
  remove(folder: string): Promise<void>
}

const PREFIX = 'rootless-runtime-secrets-'
const IN_MEMORY: ReadonlySet<string> = new Set(['tmpfs', 'ramfs'])

/**
 * Nothing can be put into a tmpfs of a container that does not run, and what is copied into one lies on the disk. So the files lie
 * in memory outside, below a folder that nobody but this user may enter: what is mounted may then be read by whichever user the
 * container runs as.
 */
export function createSecretFolders(machine: Machine): SecretFolders {
  const { environment, user, files } = machine
  const parents = [environment['XDG_RUNTIME_DIR'] || `/run/user/${user.uid}`, '/dev/shm']
  const remove = async (folder: string): Promise<void> => {
    const above = folder.replace(/\/files$/u, '')
    const isOurs = parents.some(
      (parent) => above.startsWith(`${parent}/${PREFIX}`) && !above.slice(parent.length + 1).includes('/'),
    )
    if (isOurs) await files.remove(above)
  }
  const makeEmpty = async (): Promise<string> => {
    const folder = `${await files.makeTemporaryDirectory(await findParent(machine, parents), PREFIX)}/files`
    await files.makeDirectory(folder, { mode: 0o755 })
    return folder
  }
  return {
    makeEmpty,
    make: async (secrets, mode = 0o444) => {
      const entries = Object.entries(secrets)
      if (entries.length === 0) return null
      const folder = await makeEmpty()
      try {
        for (const [name, content] of entries) await files.write(`${folder}/${name}`, content, { mode })
        return folder
      } catch (error) {
        await remove(folder)
        throw error
      }
    },
    remove,
  }
}

async function findParent(machine: Machine, parents: readonly string[]): Promise<string> {
  const reasons: string[] = []
  for (const parent of parents) {
    const [status, mount] = await Promise.all([machine.status(parent), readMountOf(machine, parent)])
    const type = knownValue(mount)?.type
    if (status.status === 'ok' && status.value.writable && type !== undefined && IN_MEMORY.has(type)) return parent
    reasons.push(`${parent}: ${status.status === 'ok' ? `on ${type ?? 'an unknown file system'}` : status.reason}`)
  }
  const evidence = reasons.join('; ')
  throw new RootlessError('NOT_SUPPORTED', `secrets need a folder in memory that this user may write to: ${evidence}`, {
    evidence,
  })
}

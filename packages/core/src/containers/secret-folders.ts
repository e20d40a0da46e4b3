import { RootlessError } from '../errors.ts'
import { knownValue } from '../fact.ts'
import { readMountOf } from '../read-mount.ts'
import type { Machine } from '../system.ts'
import { hasEnded, readOwner } from './owner.ts'

/** Where a container finds its secrets. */
export const SECRETS_TARGET = '/run/secrets'

/** Folders in memory with the secrets of containers, one for each container that has any, to be mounted read-only. */
export interface SecretFolders {
  /** `null` without secrets. Their mode is 0444 unless told. @throws RootlessError `NOT_SUPPORTED` when this user has no folder in memory */
  make(secrets: Readonly<Record<string, Uint8Array>>, mode?: number): Promise<string | null>
  /** An empty folder, for an engine that puts them there itself, as files of the container's user. */
  makeEmpty(): Promise<string>
  /** It belongs to a container from now on, whose removal takes it along: no sweep does. One that is gone stays so. */
  keep(folder: string): Promise<void>
  /** The opposite, before its container is removed: whatever ends this process then, a sweep finds it. */
  release(folder: string): Promise<void>
  /** Removes a folder that `make` made, in whatever process; any other is left alone. */
  remove(folder: string): Promise<void>
  /** Removes those of processes that ended before there was a container. */
  sweep(): Promise<void>
}

const PREFIX = 'rootless-runtime-secrets-'
/** Beside the files: there is a container. */
const KEPT = 'kept'
const IN_MEMORY: ReadonlySet<string> = new Set(['tmpfs', 'ramfs'])

/**
 * Nothing can be put into a tmpfs of a container that does not run, and what is copied into one lies on the disk. So the files lie
 * in memory outside, below a folder that nobody but this user may enter: what is mounted may then be read by whichever user the
 * container runs as.
 */
export function createSecretFolders(machine: Machine): SecretFolders {
  const { environment, user, files } = machine
  const parents = [environment['XDG_RUNTIME_DIR'] || `/run/user/${user.uid}`, '/dev/shm']
  const makeEmpty = (): Promise<string> => makeFolder(machine, parents)
  const remove = async (folder: string): Promise<void> => {
    const above = toAbove(folder, parents)
    if (above !== null) await files.remove(above)
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
    keep: async (folder) => {
      const above = toAbove(folder, parents)
      if (above !== null && (await machine.status(above)).status === 'ok') await files.write(`${above}/${KEPT}`, '')
    },
    release: async (folder) => {
      const above = toAbove(folder, parents)
      if (above !== null) await files.remove(`${above}/${KEPT}`)
    },
    remove,
    sweep: async () => {
      for (const parent of parents)
        for (const name of await listAbandoned(machine, parent)) await files.remove(`${parent}/${name}`)
    },
  }
}

/** `null` for a folder of another. */
function toAbove(folder: string, parents: readonly string[]): string | null {
  const above = folder.replace(/\/files$/u, '')
  const isOurs = parents.some(
    (parent) => above.startsWith(`${parent}/${PREFIX}`) && !above.slice(parent.length + 1).includes('/'),
  )
  return isOurs ? above : null
}

/** What lies in memory does not outlive the boot: whose it is is told without the boot's id. */
async function makeFolder(machine: Machine, parents: readonly string[]): Promise<string> {
  const { files } = machine
  const [parent, owner] = await Promise.all([findParent(machine, parents), readOwner(machine)])
  const prefix = owner === null ? PREFIX : `${PREFIX}${owner.pid}-${owner.startTicks}-`
  const folder = `${await files.makeTemporaryDirectory(parent, prefix)}/files`
  await files.makeDirectory(folder, { mode: 0o755 })
  return folder
}

const OWNED = new RegExp(`^${PREFIX}(\\d{1,10})-(\\d{1,20})-[^-]+$`, 'u')

async function listAbandoned(machine: Machine, parent: string): Promise<readonly string[]> {
  const [names, self] = await Promise.all([machine.listDirectory(parent), readOwner(machine)])
  if (names.status !== 'ok' || self === null) return []
  const abandoned = await Promise.all(
    names.value.map(async (name) => {
      const [, pid, startTicks] = OWNED.exec(name) ?? []
      if (pid === undefined || startTicks === undefined) return false
      const owner = { pid: Number(pid), startTicks: Number(startTicks), bootId: self.bootId }
      if (!(await hasEnded(owner, machine))) return false
      const [folder, kept] = await Promise.all([machine.status(`${parent}/${name}`), machine.status(`${parent}/${name}/${KEPT}`)])
      return folder.status === 'ok' && folder.value.uid === machine.user.uid && kept.status === 'absent'
    }),
  )
  return names.value.filter((_, index) => abandoned[index])
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

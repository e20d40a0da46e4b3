import { printable, RootlessError, type Machine } from '@rootless-runtime/core'
import { findRuntimeFolder } from './podman-service.ts'

/** Folders with secrets, in memory, one for each container that has any. */
export interface SecretFolders {
  /** `null` without secrets. */
  make(secrets: Readonly<Record<string, Uint8Array>>): Promise<string | null>
  /** Removes one of ours; another is left alone. */
  remove(folder: string): Promise<void>
}

/**
 * Below the folder in memory that is this user's alone: nobody else comes that far, so what is mounted may be read by whoever the
 * container runs as. Podman's own secrets lie on the disk.
 */
export function createSecretFolders(machine: Machine): SecretFolders {
  const findParent = async (): Promise<string> => `${await findRuntimeFolder(machine)}/rootless-runtime`
  const remove = async (folder: string): Promise<void> => {
    const above = /^(.+\/secrets-[^/]+)\/files$/u.exec(folder)?.[1]
    if (above !== undefined && above.startsWith(`${await findParent()}/secrets-`)) await machine.files.remove(above)
  }
  return {
    make: async (secrets) => {
      const files = Object.entries(secrets)
      if (files.length === 0) return null
      const parent = await findParent()
      await machine.files.makeDirectory(parent)
      const folder = `${await machine.files.makeTemporaryDirectory(parent, 'secrets-')}/files`
      try {
        await machine.files.makeDirectory(folder, { mode: 0o755 })
        for (const [name, content] of files) await machine.files.write(`${folder}/${checkName(name)}`, content, { mode: 0o444 })
      } catch (error) {
        await remove(folder)
        throw error
      }
      return folder
    },
    remove,
  }
}

function checkName(name: string): string {
  if (/^[^/\0]+$/u.test(name) && name !== '.' && name !== '..') return name
  throw new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(printable(name))} is no name of a file`, { engine: 'podman' })
}

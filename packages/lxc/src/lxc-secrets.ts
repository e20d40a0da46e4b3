import { posix } from 'node:path'
import { printable, type Machine } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { checkEnd } from './lxc-errors.ts'
import type { InsideIds } from './lxc-idmap.ts'
import { listNames } from './lxc-image-store.ts'
import { runMapped, withOwnIds, type FileDoor } from './lxc-mapped.ts'

/** In memory, and mapped root can get there: it cannot pass through XDG_RUNTIME_DIR, which is the caller's alone. */
const MEMORY = '/dev/shm'

const MAKE = 'mkdir -m 0700 -- "$1" && chown 0:0 -- "$1" && mkdir -m 0755 -- "$1/secrets" && chown 0:0 -- "$1/secrets"'
const WRITE = 'umask 0377 && cat >"$1" && chown "$2" -- "$1"'

/** Nobody but root of the container and this user pass through the folder; in it, each file is its reader's alone. */
export function toSecretsFolder(uid: number, containerId: string): string {
  return posix.join(MEMORY, `rootless-runtime-${uid}-${containerId}`)
}

/** Those that this user has. */
export async function listSecretsFolders(
  machine: Machine,
): Promise<readonly { readonly folder: string; readonly containerId: string }[]> {
  const prefix = toSecretsFolder(machine.user.uid, '')
  const names = await listNames(machine, MEMORY)
  return names
    .map((name) => posix.join(MEMORY, name))
    .filter((folder) => folder.startsWith(prefix))
    .map((folder) => ({ folder, containerId: folder.slice(prefix.length) }))
    .filter(({ containerId }) => /^[0-9a-f]+$/u.test(containerId))
}

export interface SecretFiles {
  readonly folder: string
  readonly secrets: Readonly<Record<string, Uint8Array>>
  /** The user of the container. */
  readonly reader: InsideIds
}

/** Gives the folder to mount. The contents pass through pipes alone. */
export async function makeSecrets(
  { machine }: FileDoor,
  idMaps: readonly IdMap[],
  { folder, secrets, reader }: SecretFiles,
): Promise<string> {
  const maps = withOwnIds(idMaps, machine.user)
  checkEnd(await runMapped(machine, maps, ['sh', '-c', MAKE, 'sh', folder]), `make ${printable(folder)}`)
  const inner = posix.join(folder, 'secrets')
  for (const [name, content] of Object.entries(secrets)) {
    const once = async function* (): AsyncGenerator<Uint8Array> {
      yield content
    }
    const written = await runMapped(
      machine,
      maps,
      ['sh', '-c', WRITE, 'sh', posix.join(inner, name), `${reader.uid}:${reader.gid}`],
      {
        input: once(),
      },
    )
    checkEnd(written, `write the secret ${printable(name)}`)
  }
  return inner
}

import { posix } from 'node:path'
import { printable, RootlessError, type Fix } from '@rootless-runtime/core'
import { checkEnd } from './lxc-errors.ts'
import { runMapped, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import type { LxcStore } from './lxc-parts.ts'

/** Others may pass and not look: root inside has to reach the root file system. */
const PASSABLE = 0o711

/** The folders of the store that the parts which touch files need beside those of the containers. */
export interface FileStore extends LxcStore {
  readonly root: string
  readonly referencesFolder: string
  readonly networksFolder: string
  /** What is being built or removed. */
  readonly workFolder: string
  /** A path in the work folder that nobody else has. */
  newWorkPath(): string
  /** Removes trees, whoever of the mapped ids or the caller their files belong to. What is not there is fine. */
  removeTree(...paths: readonly string[]): Promise<void>
}

/** The store of this user. Creating it does nothing. */
export function createLxcStore(door: FileDoor): FileStore {
  const { machine } = door
  const root = posix.join(findDataFolder(machine.environment, machine.user.homeDirectory), 'rootless-runtime/lxc')
  const at = (name: string): string => posix.join(root, name)
  const folders = ['containers', 'images', 'volumes', 'references', 'networks', 'work'].map(at)
  const store: FileStore = {
    root,
    containersFolder: at('containers'),
    imagesFolder: at('images'),
    volumesFolder: at('volumes'),
    referencesFolder: at('references'),
    networksFolder: at('networks'),
    workFolder: at('work'),
    containerFolder: (id) => posix.join(at('containers'), id),
    newWorkPath: () => posix.join(at('work'), `${process.pid}-${crypto.randomUUID()}`),
    removeTree: async (...paths) => {
      const maps = withOwnIds(await door.idMaps(), machine.user)
      const end = await runMapped(machine, maps, ['rm', '-rf', '--one-file-system', '--', ...paths])
      checkEnd(end, `remove ${printable(paths.join(' and '))}`)
    },
    prepare: once(async () => {
      for (const folder of folders) await machine.files.makeDirectory(folder, { mode: PASSABLE })
      await checkReachable(door, root)
      await removeLeftovers(door, store)
    }),
  }
  return store
}

/** XDG Base Directory: a path that is not absolute is to be ignored. */
export function findDataFolder(environment: Readonly<Record<string, string | undefined>>, homeDirectory: string): string {
  const named = environment['XDG_DATA_HOME']
  return named !== undefined && posix.isAbsolute(named) ? named : posix.join(homeDirectory, '.local/share')
}

/** Does the work when it is asked for first; a failure is asked again. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return async () => {
    done ??= work()
    try {
      await done
    } catch (error) {
      done = undefined
      throw error
    }
  }
}

/** LXC's own words for this come at the start: "Could not access /home/moby. Please grant it x access". */
async function checkReachable(door: FileDoor, root: string): Promise<void> {
  const { machine } = door
  const end = await runMapped(machine, await door.idMaps(), ['test', '-x', root])
  if (end.exitCode === 0) return
  if (end.exitCode !== 1 || end.stderr !== '')
    checkEnd({ ...end, exitCode: end.exitCode || 1 }, `reach ${printable(root)} as root of a container`)
  const parts = root.split('/').slice(1)
  for (const path of parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)) {
    const status = await machine.status(path)
    if (status.status === 'ok' && (status.value.mode & 0o001) !== 0) continue
    throw new RootlessError('HOST_REFUSED', `root of a container cannot pass through ${printable(path)}: let others pass (o+x)`, {
      engine: 'lxc',
      fix: toPassableFix(path),
    })
  }
  throw new RootlessError('HOST_REFUSED', `root of a container cannot reach ${printable(root)}`, { engine: 'lxc' })
}

export function toPassableFix(path: string): Fix {
  return {
    summary: `let others pass through ${printable(path)}`,
    commands: [['chmod', 'o+x', path]],
    needsRoot: false,
    undo: `chmod o-x ${printable(path)}`,
    check: ['ls', '-ld', path],
  }
}

/** What a process that has ended left half-made: its number is the name's beginning. A number that is used again keeps it for later. */
export async function removeLeftovers({ machine }: FileDoor, store: FileStore): Promise<void> {
  const names = await machine.listDirectory(store.workFolder)
  if (names.status !== 'ok') return
  for (const name of names.value) {
    const pid = /^(\d{1,10})-/u.exec(name)?.[1]
    const owner = pid === undefined ? null : await machine.status(`/proc/${pid}`)
    if (owner?.status !== 'absent') continue
    // Another process may be at it too.
    await store.removeTree(posix.join(store.workFolder, name)).catch(() => {})
  }
}

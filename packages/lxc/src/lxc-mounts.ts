import { posix } from 'node:path'
import { parseMountInfo, printable, RootlessError, type Call, type ContainerPlan, type HostMount } from '@rootless-runtime/core'
import * as z from 'zod'
import type { IdMap } from './lxc-config.ts'
import { checkEnd } from './lxc-errors.ts'
import { toOwnedMaps, type InsideIds } from './lxc-idmap.ts'
import { imagePathsOf, readJson, readStoredImage } from './lxc-image-store.ts'
import { runMapped, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import { listMountsBelow, sortByDepth, toMountLine, type PlannedMount } from './lxc-mount-lines.ts'
import { makeTargets } from './lxc-mount-targets.ts'
import type { NetworkFiles } from './lxc-network-files.ts'
import type { FoundImage, MountsPart, RootfsOf } from './lxc-parts.ts'
import type { RootAccess } from './lxc-rootfs.ts'
import { makeSecrets, toSecretsFolder } from './lxc-secrets.ts'
import type { FileStore } from './lxc-store.ts'
import { findUser } from './lxc-user.ts'
import { fillVolume } from './lxc-volume-content.ts'
import { makeVolume, volumePathsOf } from './lxc-volumes.ts'

const mountsFile = z.object({ volumes: z.array(z.string()), hasSecrets: z.boolean() })
type MountsFile = z.infer<typeof mountsFile>

/** Where what LXC mounts into /etc lies. */
export interface MountPaths {
  readonly file: string
  readonly etcFolder: string
  /** Root inside owns it: what serves its network makes its socket there. */
  readonly runFolder: string
  readonly hosts: string
  readonly hostname: string
  readonly resolv: string
}

export function toMountPaths(containerFolder: string): MountPaths {
  const etcFolder = posix.join(containerFolder, 'etc')
  const at = (name: string): string => posix.join(etcFolder, name)
  return {
    file: posix.join(containerFolder, 'mounts.json'),
    etcFolder,
    runFolder: posix.join(containerFolder, 'run'),
    hosts: at('hosts'),
    hostname: at('hostname'),
    resolv: at('resolv.conf'),
  }
}

export interface MountsSource {
  readonly door: FileDoor
  readonly store: FileStore
  readonly access: RootAccess
  /** What the container finds in /etc of where it is. */
  readonly networkFiles: (plan: ContainerPlan, containerId: string) => Promise<NetworkFiles>
}

export function createLxcMounts(source: MountsSource): MountsPart {
  return {
    toIdMaps: (plan, image, base) => toIdMaps(source, plan, image, base),
    prepare: (plan, container, call) => prepare(source, plan, container, call),
    remove: (container) => remove(source, container),
  }
}

async function toIdMaps(
  source: MountsSource,
  plan: ContainerPlan,
  image: FoundImage,
  base: readonly IdMap[],
): Promise<readonly IdMap[]> {
  const { user } = source.door.machine
  const mounts = plan.mounts.filter((mount) => isHostMount(mount))
  if (mounts.length === 0) return base
  if (!mounts.some(({ owner }) => owner === 'me')) return withOwnIds(base, user)
  return toOwnedMaps(base, await readInsideIds(source, plan.user ?? image.config.user, image.id), user)
}

function isHostMount(mount: ContainerPlan['mounts'][number]): mount is HostMount {
  return mount.kind === undefined || mount.kind === 'host'
}

async function readInsideIds({ door, store }: MountsSource, user: string, imageId: string): Promise<InsideIds> {
  const read = async (name: string): Promise<string> => {
    const path = posix.join(imagePathsOf(store, imageId).rootfs, 'etc', name)
    const real = await door.machine.realPath(path)
    // One that is behind a link may be a file of the host.
    const text = real.status === 'ok' && real.value === path ? await door.machine.readText(path) : null
    return text?.status === 'ok' ? text.value : ''
  }
  return findUser(user, await read('passwd'), await read('group'))
}

async function prepare(source: MountsSource, plan: ContainerPlan, container: RootfsOf, call: Call): Promise<readonly string[]> {
  const { door, store, access } = source
  const volumes = plan.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []))
  const file: MountsFile = { volumes, hasSecrets: Object.keys(plan.secrets).length > 0 }
  await door.machine.files.write(toMountPaths(container.containerFolder).file, JSON.stringify(file))
  try {
    for (const volume of new Set(volumes)) await useVolume(source, volume, container)
    const files = await source.networkFiles(plan, container.id)
    const asked = [
      ...(await writeFiles(source, files, container)),
      ...(await Promise.all(plan.mounts.map((mount) => toPlannedMount(source, mount)))),
      ...(file.hasSecrets ? [await toSecretsMount(source, plan, container)] : []),
    ]
    const folders = ['/proc', '/sys', '/dev'].map((target) => toBind('', target, 'directory', []))
    const made = await makeTargets(access, container, [...folders, ...sortByDepth(asked)], call)
    const mounts = made.slice(folders.length)
    for (const { source: data, target } of mounts.filter((mount) => mount.source.startsWith(`${store.volumesFolder}/`)))
      await fillVolume(door, access, container, { data, target }, call)
    const points = mounts.some(({ options }) => options.includes('ro')) ? await readMountPoints(source) : []
    return (await nest(source, mounts)).flatMap((mount) => toReadOnly(mount, points)).map((mount) => toMountLine(mount))
  } catch (error) {
    await remove(source, container)
    throw error
  }
}

/** The container's file in the volume keeps it from being removed. */
async function useVolume({ door, store }: MountsSource, name: string, container: RootfsOf): Promise<void> {
  await makeVolume(door, store, { name, labels: {} })
  await door.machine.files.write(posix.join(volumePathsOf(store, name).usersFolder, container.id), '')
}

async function writeFiles(source: MountsSource, files: NetworkFiles, container: RootfsOf): Promise<readonly PlannedMount[]> {
  const { machine } = source.door
  const paths = toMountPaths(container.containerFolder)
  await machine.files.makeDirectory(paths.etcFolder, { mode: 0o711 })
  for (const name of ['hosts', 'hostname', 'resolv'] as const) await machine.files.write(paths[name], files[name])
  const maps = withOwnIds(container.idMaps, machine.user)
  const own = 'install -d -o 0 -g 0 -m 0711 -- "$1" && shift && chown 0:0 -- "$@" && chmod 0644 -- "$@"'
  const owned = await runMapped(machine, maps, [
    'sh',
    '-c',
    own,
    'sh',
    paths.runFolder,
    paths.hosts,
    paths.hostname,
    paths.resolv,
  ])
  checkEnd(owned, 'make the files of /etc')
  return [
    toBind(paths.hosts, '/etc/hosts', 'file', []),
    toBind(paths.hostname, '/etc/hostname', 'file', []),
    toBind(paths.resolv, '/etc/resolv.conf', 'file', []),
  ]
}

function toBind(from: string, target: string, kind: PlannedMount['kind'], options: readonly string[]): PlannedMount {
  return { source: from, target, kind, fileSystem: 'none', options: ['rbind', ...options] }
}

async function toPlannedMount({ door, store }: MountsSource, mount: ContainerPlan['mounts'][number]): Promise<PlannedMount> {
  if (mount.kind === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`]
    const options = ['rw', 'nosuid', 'nodev', 'mode=1777', ...size]
    return { source: 'tmpfs', target: mount.target, kind: 'directory', fileSystem: 'tmpfs', options }
  }
  if (mount.kind === 'volume') {
    const access = mount.access === 'ro' ? ['ro'] : []
    return toBind(volumePathsOf(store, mount.volume).data, mount.target, 'directory', access)
  }
  const real = await door.machine.realPath(mount.source)
  const status = real.status === 'ok' ? await door.machine.status(real.value) : real
  if (real.status !== 'ok' || status.status !== 'ok') {
    const reason = status.status === 'ok' ? '' : status.reason
    throw new RootlessError('MOUNT_NOT_FOUND', `what is to be mounted cannot be used: ${reason}`, { engine: 'lxc' })
  }
  const kind = status.value.kind === 'directory' ? 'directory' : 'file'
  return toBind(real.value, mount.target, kind, mount.access === 'rw' ? [] : ['ro'])
}

async function readMountPoints({ door }: MountsSource): Promise<readonly string[]> {
  const text = await door.machine.readText('/proc/self/mountinfo', { maximumBytes: 16 * 1024 * 1024 })
  if (text.status !== 'ok') throw new RootlessError('HOST_REFUSED', text.reason, { engine: 'lxc' })
  return parseMountInfo(text.value).map(({ mountPoint }) => mountPoint)
}

/** `ro` of a bind mount holds for what is mounted below only when that is said of each. */
function toReadOnly(mount: PlannedMount, mountPoints: readonly string[]): readonly PlannedMount[] {
  if (mount.fileSystem === 'tmpfs' || !mount.options.includes('ro')) return [mount]
  const { kind, fileSystem, options } = mount
  const below = listMountsBelow(mount.source, mountPoints).map((source) => {
    const target = posix.join(mount.target, posix.relative(mount.source, source))
    return { source, target, kind, fileSystem, options }
  })
  return [mount, ...below]
}

/**
 * What is mounted in another mount needs its place there. In memory that is new at each start LXC may make it; elsewhere it has to be
 * there, and to be no link.
 */
async function nest({ door }: MountsSource, mounts: readonly PlannedMount[]): Promise<readonly PlannedMount[]> {
  const nested: PlannedMount[] = []
  for (const mount of mounts) {
    const parent = nested.findLast(({ target }) => mount.target.startsWith(`${target}/`))
    if (parent === undefined) nested.push(mount)
    else if (parent.fileSystem === 'tmpfs')
      nested.push({ ...mount, options: [...mount.options, mount.kind === 'file' ? 'create=file' : 'create=dir'] })
    else {
      const place = posix.join(parent.source, posix.relative(parent.target, mount.target))
      const real = await door.machine.realPath(place)
      if (real.status !== 'ok' || real.value !== place) {
        const why = `${JSON.stringify(printable(place))} is not there or is a link: make it first`
        throw new RootlessError('INVALID_ARGUMENT', `nothing can be mounted on ${printable(mount.target)}: ${why}`, {
          engine: 'lxc',
        })
      }
      nested.push(mount)
    }
  }
  return nested
}

async function toSecretsMount(source: MountsSource, plan: ContainerPlan, container: RootfsOf): Promise<PlannedMount> {
  const { door, store } = source
  const image = await readStoredImage(door.machine, store, container.imageId)
  const reader = await readInsideIds(source, plan.user ?? image?.config.user ?? '', container.imageId)
  const folder = toSecretsFolder(door.machine.user.uid, container.id)
  const inner = await makeSecrets(door, container.idMaps, { folder, secrets: plan.secrets, reader })
  return toBind(inner, '/run/secrets', 'directory', ['ro', 'nosuid', 'nodev', 'noexec'])
}

async function remove({ door, store }: MountsSource, container: RootfsOf): Promise<void> {
  const { file, etcFolder, runFolder } = toMountPaths(container.containerFolder)
  const kept = await readJson(door.machine, file, mountsFile)
  const secrets = kept?.hasSecrets === true ? [toSecretsFolder(door.machine.user.uid, container.id)] : []
  await store.removeTree(etcFolder, runFolder, ...secrets)
  for (const volume of kept?.volumes ?? [])
    await door.machine.files.remove(posix.join(volumePathsOf(store, volume).usersFolder, container.id))
  await door.machine.files.remove(file)
}

import { posix } from 'node:path'
import { printable, RootlessError, type Call } from '@rootless-runtime/core'
import * as z from 'zod'
import { commit } from './lxc-commit.ts'
import { copyIn, copyOut } from './lxc-copy.ts'
import { checkEnd } from './lxc-errors.ts'
import { imagePathsOf, readJson } from './lxc-image-store.ts'
import { findInsideTools, toInsideProgram, type InsideTool, type InsideTools, type RootView } from './lxc-inside.ts'
import { runMapped, runProgram, withOwnIds, type FileDoor, type ProgramEnd } from './lxc-mapped.ts'
import { toOverlayOptions, toReadOnlyOptions, tryOverlay, type OverlayFolders } from './lxc-overlay.ts'
import { ensureBase } from './lxc-rootfs-base.ts'
import type { RootfsOf, RootfsPart, RootfsRequest } from './lxc-parts.ts'
import type { FileStore } from './lxc-store.ts'

const rootfsFile = z.object({
  imageId: z.string(),
  kind: z.enum(['overlay', 'copy']),
  /** The root file system that lies below, or that was copied. */
  base: z.string(),
})
type RootfsFile = z.infer<typeof rootfsFile>

/** Where the parts of a container's root lie. */
export interface RootfsPaths {
  readonly file: string
  /** The copy, or where LXC and we mount the overlay. */
  readonly rootfs: string
  readonly overlay: string
  readonly delta: string
  readonly work: string
}

export function toRootfsPaths(containerFolder: string): RootfsPaths {
  const at = (name: string): string => posix.join(containerFolder, name)
  return {
    file: at('rootfs.json'),
    rootfs: at('rootfs'),
    overlay: at('overlay'),
    delta: at('overlay/delta'),
    work: at('overlay/work'),
  }
}

/** How the other parts reach the root of a container. */
export interface RootAccess {
  tools(): Promise<InsideTools>
  viewOf(containerFolder: string): Promise<RootView>
  /** While it runs, its overlay must not be mounted once more for writing. */
  readOnlyViewOf(containerFolder: string): Promise<RootView>
  /** The host's tool on the container's root; how it ended is the caller's business. */
  runInside(container: Pick<RootfsOf, 'containerFolder' | 'pid' | 'idMaps'>, command: InsideCommand): Promise<ProgramEnd>
}

export interface InsideCommand extends Call {
  readonly tool: InsideTool
  readonly toolArguments: readonly string[]
  readonly input?: AsyncIterable<Uint8Array> | string
}

export function createLxcRootfs(door: FileDoor, store: FileStore, timeoutMs: number): RootfsPart & RootAccess {
  const access = createAccess(door, timeoutMs)
  return {
    ...access,
    make: (request, call) => make(door, store, request, call),
    remove: (containerFolder) => remove(door, store, containerFolder),
    readText: (containerFolder, path) => readInside(door, access, containerFolder, path),
    copyIn: (container, tar, targetFolder, call) => copyIn(door, access, container, tar, targetFolder, call),
    copyOut: (container, path, call) => copyOut(door, access, container, path, call),
    commit: (container, reference, call) => commit(door, store, access, container, reference, call),
  }
}

function createAccess(door: FileDoor, timeoutMs: number): RootAccess {
  let found: Promise<InsideTools> | undefined
  const access: RootAccess = {
    tools: () => (found ??= findInsideTools(door.machine, timeoutMs)),
    viewOf: async (containerFolder) => toView(containerFolder, await readRootfsFile(door, containerFolder), toOverlayOptions),
    readOnlyViewOf: async (containerFolder) =>
      toView(containerFolder, await readRootfsFile(door, containerFolder), toReadOnlyOptions),
    runInside: async (container, { tool, toolArguments, input, signal }) => {
      const command = (await access.tools()).toCommand(tool, toolArguments)
      const program = toInsideProgram(container, await access.viewOf(container.containerFolder), command)
      return runProgram(door.machine, { ...program, ...(input === undefined ? {} : { input }), signal })
    },
  }
  return access
}

async function make(door: FileDoor, store: FileStore, request: RootfsRequest, call: Call): Promise<readonly string[]> {
  await store.prepare()
  const paths = toRootfsPaths(request.containerFolder)
  const image = imagePathsOf(store, request.imageId)
  await markUsed(door, image.usersFolder, request)
  try {
    const base = await ensureBase(door, store, request, call)
    const kind = (await tryOverlay(door, store)) ? 'overlay' : 'copy'
    await door.machine.files.makeDirectory(paths.rootfs, { mode: 0o711 })
    await (kind === 'overlay' ? makeDelta : copyBase)(door, paths, base, request, call)
    await door.machine.files.write(paths.file, `${JSON.stringify({ imageId: request.imageId, kind, base })}\n`)
    return toConfigLines(paths, { imageId: request.imageId, kind, base }, request.readOnlyRoot)
  } catch (error) {
    await remove(door, store, request.containerFolder)
    await door.machine.files.remove(posix.join(image.usersFolder, posix.basename(request.containerFolder)))
    throw error
  }
}

/** From here on the image cannot be removed; one that was is not there to be marked. */
async function markUsed({ machine }: FileDoor, usersFolder: string, { containerFolder, imageId }: RootfsRequest): Promise<void> {
  try {
    await machine.files.write(posix.join(usersFolder, posix.basename(containerFolder)), '')
  } catch (cause) {
    if (cause instanceof RootlessError && cause.evidence === 'ENOENT')
      throw new RootlessError('IMAGE_NOT_FOUND', `the image ${imageId.slice(0, 19)} was removed meanwhile`, {
        engine: 'lxc',
        cause,
      })
    throw cause
  }
}

const MAKE_DELTA =
  'install -d -o 0 -g 0 -m 0711 "$1" && install -d -o 0 -g 0 "$1/delta" "$1/work" && chown --reference="$2" "$1/delta" && chmod --reference="$2" "$1/delta"'

async function makeDelta(door: FileDoor, paths: RootfsPaths, base: string, request: RootfsRequest, call: Call): Promise<void> {
  const command = ['sh', '-c', MAKE_DELTA, 'sh', paths.overlay, base]
  const maps = withOwnIds(request.idMaps, door.machine.user)
  checkEnd(await runMapped(door.machine, maps, command, call), 'make the writable layer of the container')
}

async function copyBase(door: FileDoor, paths: RootfsPaths, base: string, request: RootfsRequest, call: Call): Promise<void> {
  const command = ['cp', '-aT', '--reflink=auto', '--', base, paths.rootfs]
  const maps = withOwnIds(request.idMaps, door.machine.user)
  checkEnd(await runMapped(door.machine, maps, command, call), 'copy the root file system of the image')
}

/** Pure. LXC keeps the overlay's work folder beside the delta. */
function toConfigLines(paths: RootfsPaths, { kind, base }: RootfsFile, readOnlyRoot: boolean): readonly string[] {
  const path = kind === 'overlay' ? `overlay:${base}:${paths.delta}` : `dir:${paths.rootfs}`
  const options = [...(kind === 'overlay' ? ['userxattr'] : []), ...(readOnlyRoot ? ['ro'] : [])]
  return [`lxc.rootfs.path = ${path}`, ...(options.length === 0 ? [] : [`lxc.rootfs.options = ${options.join(',')}`])]
}

async function remove(door: FileDoor, store: FileStore, containerFolder: string): Promise<void> {
  const paths = toRootfsPaths(containerFolder)
  const file = await readJson(door.machine, paths.file, rootfsFile)
  await store.removeTree(paths.rootfs, paths.overlay)
  await door.machine.files.remove(paths.file)
  if (file === null) return
  await door.machine.files.remove(posix.join(imagePathsOf(store, file.imageId).usersFolder, posix.basename(containerFolder)))
}

async function readRootfsFile({ machine }: FileDoor, containerFolder: string): Promise<RootfsFile> {
  const file = await readJson(machine, toRootfsPaths(containerFolder).file, rootfsFile)
  if (file !== null) return file
  throw new RootlessError('CONTAINER_NOT_FOUND', `${printable(containerFolder)} has no root file system`, { engine: 'lxc' })
}

function toView(containerFolder: string, { kind, base }: RootfsFile, toOptions: (folders: OverlayFolders) => string): RootView {
  const paths = toRootfsPaths(containerFolder)
  if (kind === 'copy') return { folder: paths.rootfs }
  return { overlay: toOptions({ lower: base, upper: paths.delta, work: paths.work }), mountPoint: paths.rootfs }
}

/** A plain file is read where it lies: in the container's layer, or else in the image's. One behind a link is read from inside. */
async function readInside(door: FileDoor, access: RootAccess, containerFolder: string, path: string): Promise<string | null> {
  const { machine } = door
  const file = await readRootfsFile(door, containerFolder)
  const { delta, rootfs } = toRootfsPaths(containerFolder)
  const layers = file.kind === 'copy' ? [rootfs] : [delta, file.base]
  for (const layer of layers) {
    const own = posix.join(layer, posix.resolve('/', path))
    const real = await machine.realPath(own)
    if (real.status === 'absent') continue
    const status = await machine.status(own)
    if (real.status !== 'ok' || real.value !== own || status.status !== 'ok' || status.value.kind !== 'file') break
    const text = await machine.readText(own)
    if (text.status !== 'ok') break
    return text.value
  }
  const command = (await access.tools()).toCommand('cat', ['--', path])
  const program = toInsideProgram(
    { pid: null, idMaps: await door.idMaps() },
    await access.readOnlyViewOf(containerFolder),
    command,
  )
  const end = await runProgram(machine, program)
  if (end.exitCode !== 0 && /: (?:No such file or directory|Not a directory)$/mu.test(end.stderr)) return null
  checkEnd(end, `read ${printable(path)}`)
  return end.stdout
}

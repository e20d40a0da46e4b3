import { posix } from 'node:path'
import { printable, RootlessError, type Machine } from '@rootless-runtime/core'
import { toMappedProgram, type Program } from './lxc-mapped.ts'
import type { RootfsOf } from './lxc-parts.ts'

/**
 * The host's own programs, run with the root of a container as their root: whatever links a path inside has, it ends inside. An
 * image need not have a tar, and what it has is not trusted. They are reached from the working directory, which stays the host's.
 */
export interface InsideTools {
  /** The words that run a tool there. */
  toCommand(tool: InsideTool, toolArguments: readonly string[]): readonly string[]
  find(tool: InsideTool): FoundTool
}

/** A program of the host. Its paths begin at the working directory. */
export interface FoundTool {
  readonly path: string
  /** The first argument of a program of many names, which one is meant. */
  readonly name: string | null
  /** `null` for a program without libraries. */
  readonly loader: { readonly path: string; readonly libraries: string } | null
}

const INSIDE_TOOLS = ['tar', 'sh', 'realpath', 'mkdir', 'cat'] as const
export type InsideTool = (typeof INSIDE_TOOLS)[number]

/** What ldd(1) says of a program: its loader, and the libraries that it is given. */
export interface LinkedFiles {
  /** `null` for a program without libraries, which runs by itself. */
  readonly loader: string | null
  readonly libraries: readonly string[]
}

/** `/lib64/ld-linux-x86-64.so.2 (0x...)` is the loader, `libc.so.6 => /lib/... (0x...)` a library. */
export function parseLinkedFiles(text: string): LinkedFiles {
  const lines = text.split('\n')
  return {
    loader: lines.flatMap((line) => /^\s*(\/\S+)(?: => \S+)? \(0x[0-9a-f]+\)$/u.exec(line)?.[1] ?? [])[0] ?? null,
    libraries: lines.flatMap((line) => /^\s*\S+ => (\/\S+) \(0x[0-9a-f]+\)$/u.exec(line)?.[1] ?? []),
  }
}

/** Programs of many names in one file: which one is meant is then the first argument. */
const MANY_NAMED: ReadonlySet<string> = new Set(['busybox', 'coreutils'])

/** Looks for the tools. @throws RootlessError `HOST_REFUSED` when one is missing */
export async function findInsideTools(machine: Machine, timeoutMs: number): Promise<InsideTools> {
  const found = await Promise.all(INSIDE_TOOLS.map(async (tool) => [tool, await findTool(machine, tool, timeoutMs)] as const))
  const tools = new Map(found)
  const find = (tool: InsideTool): FoundTool => {
    const one = tools.get(tool)
    if (one === undefined) throw new RootlessError('HOST_REFUSED', `there is no ${tool}`, { engine: 'lxc' })
    return one
  }
  return { find, toCommand: (tool, toolArguments) => [...toWords(find(tool)), ...toolArguments] }
}

function toWords({ path, name, loader }: FoundTool): readonly string[] {
  const loading = loader === null ? [] : [loader.path, '--library-path', loader.libraries]
  return [...loading, path, ...(name === null ? [] : [name])]
}

async function findTool(machine: Machine, tool: InsideTool, timeoutMs: number): Promise<FoundTool> {
  const program = await machine.findExecutable(tool)
  if (program.status !== 'ok') throw new RootlessError('HOST_REFUSED', program.reason, { engine: 'lxc' })
  const path = await toRealPath(machine, program.value)
  const name = MANY_NAMED.has(posix.basename(path)) ? tool : null
  const answer = await machine.run({ file: 'ldd', arguments: [path], timeoutMs, environment: { LC_ALL: 'C' } })
  // ldd ends with 1 for a program without libraries: "not a dynamic executable".
  const { loader, libraries } = parseLinkedFiles(answer.status === 'exited' ? answer.stdout : '')
  if (loader === null) return { path: `.${path}`, name, loader: null }
  // A link to an absolute path would lead into the container; the names of libraries are links too, to their neighbours.
  const folders = await Promise.all(libraries.map((library) => toRealPath(machine, posix.dirname(library))))
  const searched = [...new Set(folders)].map((folder) => `.${folder}`).join(':')
  return { path: `.${path}`, name, loader: { path: `.${await toRealPath(machine, loader)}`, libraries: searched } }
}

async function toRealPath(machine: Machine, path: string): Promise<string> {
  const real = await machine.realPath(path)
  if (real.status === 'ok') return real.value
  throw new RootlessError('HOST_REFUSED', `${printable(path)}: ${real.reason}`, { engine: 'lxc' })
}

/** How the root of a container that does not run is put together: an overlay, or a folder that is it. */
export type RootView = { readonly overlay: string; readonly mountPoint: string } | { readonly folder: string }

const MOUNT_AND_RUN = 'mount -t overlay -o "$1" overlay "$2" && shift 2 && "$@"; exit $?'

/** A tool on the root file system of a container: of a running one as it sees it, with what is mounted there. */
export function toInsideProgram(
  container: Pick<RootfsOf, 'pid' | 'idMaps'>,
  view: RootView,
  command: readonly string[],
): Pick<Program, 'file' | 'arguments'> {
  if (container.pid !== null) {
    const options = ['-t', String(container.pid), '--user', '--root', '--wd=/', '-S', '0', '-G', '0']
    return { file: 'nsenter', arguments: [...options, '--', ...command] }
  }
  const rooted = (root: string): readonly string[] => ['nsenter', `--root=${root}`, '--wd=/', '--', ...command]
  const own =
    'folder' in view
      ? rooted(view.folder)
      : ['unshare', '-m', '--', 'sh', '-c', MOUNT_AND_RUN, 'sh', view.overlay, view.mountPoint, ...rooted(view.mountPoint)]
  return toMappedProgram(container.idMaps, own)
}

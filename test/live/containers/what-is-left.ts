import { readdirSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { RootlessRuntime } from 'rootless-runtime'
import { run } from '../look.ts'

/** What is looked for: everything that killed callers may have left. */
export interface Killed {
  /** Begins the names of their containers. */
  readonly mark: string
  /** A word of every command that they ran. */
  readonly word: string
  readonly pids: ReadonlySet<number>
}

const { uid, homedir } = userInfo()
const RUNTIME_FOLDER = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${uid}`
const STORE = `${process.env['XDG_DATA_HOME'] ?? `${homedir}/.local/share`}/rootless-runtime/lxc`

/** Each thing that is left, in words. Looks past our own code. */
export async function listLeft(runtime: RootlessRuntime, killed: Killed): Promise<readonly string[]> {
  const listed = await runtime.containers.list({ everyone: true })
  return [
    ...listed.filter(({ name }) => name.startsWith(killed.mark)).map(({ name }) => `the container ${name}`),
    ...(runtime.engine === 'podman' ? await listStorage(killed) : []),
    ...listFiles(killed),
    ...listProcesses(killed),
    ...listMounts(killed),
  ]
}

/** What Podman keeps of a container that it did not come to make. */
async function listStorage({ mark }: Killed): Promise<readonly string[]> {
  const { stdout } = await run('podman', ['ps', '--all', '--external', '--format', '{{.Names}}'])
  return stdout
    .split('\n')
    .filter((name) => name.startsWith(mark))
    .map((name) => `storage of ${name}`)
}

function listFiles({ mark, pids }: Killed): readonly string[] {
  const ids = new Set(list(`${STORE}/containers`))
  const secrets = [RUNTIME_FOLDER, '/dev/shm'].flatMap((parent) => list(parent).map((name) => ({ parent, name })))
  return [
    ...secrets.filter(({ name }) => isPidIn(pids, /^rootless-runtime-secrets-(\d+)-/u.exec(name)?.[1])),
    ...secrets.filter(({ name }) => {
      const id = name.startsWith(`rootless-runtime-${uid}-`) ? name.split('-').at(-1) : undefined
      return id !== undefined && !ids.has(id)
    }),
    ...listOf('names').filter(({ name }) => name.startsWith(mark)),
    ...listOf('work').filter(({ name }) => isPidIn(pids, /^(\d+)-/u.exec(name)?.[1])),
    ...listOf('containers').filter(({ name }) => readText(`${STORE}/containers/${name}/record.json`) === null),
    ...listOf('networks/addresses').filter(({ parent, name }) => readText(`${parent}/${name}`)?.includes(mark) === true),
  ].map(({ parent, name }) => `${parent}/${name}`)
}

function listOf(folder: string): readonly { readonly parent: string; readonly name: string }[] {
  const parent = `${STORE}/${folder}`
  return list(parent).map((name) => ({ parent, name }))
}

function isPidIn(pids: ReadonlySet<number>, digits: string | undefined): boolean {
  return digits !== undefined && pids.has(Number(digits))
}

/** Commands in containers, and what serves a container: its name or the folder of one that is gone is in its words. */
function listProcesses({ mark, word }: Killed): readonly string[] {
  const ids = new Set(list(`${STORE}/containers`))
  return list('/proc')
    .filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid, line: (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ') }))
    .filter(({ line }) => {
      const id = /rootless-runtime\/lxc\/containers\/([0-9a-f]{16})/u.exec(line)?.[1]
      return line.includes(word) || line.includes(`${mark}-`) || (id !== undefined && !ids.has(id))
    })
    .map(({ pid, line }) => `the process ${pid}: ${line}`)
}

function listMounts({ mark }: Killed): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return mounts.filter((line) => line.includes(STORE) || line.includes(mark)).map((line) => `the mount ${line}`)
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listProcesses, must } from '../look.ts'

/** An engine that belongs to one test file, so that it may be killed: the user's own goes on beside it. */
export interface PrivateEngine extends AsyncDisposable {
  readonly folder: string
  /** After the end of the one that was killed; one that runs is left alone. */
  start(): Promise<void>
  /** SIGKILL, and the moment of it on the clock of `performance`. */
  kill(): number
  /** SIGSTOP, until each of its threads stands still: it keeps every connection, and answers nothing. */
  suspend(): Promise<void>
  resume(): void
  /** Bytes that are used of the file system of its data. */
  usedBytes(): Promise<number>
}

/** How large the file system of an engine's data is, when it is one of its own. */
export interface DiskOptions {
  readonly diskBytes?: number
}

/** Runs a command where a process of a private engine lives: in its user namespace, among its mounts. */
export function enterCommand(pid: number): readonly string[] {
  return ['nsenter', '--target', String(pid), '--user', '--mount', '--preserve-credentials']
}

/** Bytes used of the file system of a folder, as a process sees it. */
export async function readUsedBytes(pid: number, folder: string): Promise<number> {
  const [file = '', ...words] = enterCommand(pid)
  const lines = await must(file, [...words, 'df', '--block-size=1', '--output=used', folder])
  return Number(lines.split('\n').at(-1))
}

/** A folder of a private engine, with a home and a runtime folder. The path is short: a unix socket has 107 bytes (unix(7)). */
export interface PrivateFolder {
  readonly folder: string
  readonly home: string
  readonly runtimeFolder: string
  /** Gives this process the environment back that it had. */
  readonly leave: () => void
}

/** Makes the folder, and has this process live in it: what it finds in its environment is the private engine alone. */
export function enterPrivateFolder(environment: (place: PrivateFolder) => Readonly<Record<string, string>>): PrivateFolder {
  const folder = mkdtempSync('/tmp/private-')
  const before = { ...process.env }
  const leave = (): void => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  }
  const place = { folder, home: join(folder, 'home'), runtimeFolder: join(folder, 'run'), leave }
  for (const each of [place.home, place.runtimeFolder]) mkdirSync(each, { mode: 0o700 })
  for (const name of ['DOCKER_CONFIG', 'DOCKER_CONTEXT', 'CONTAINER_HOST', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME'])
    delete process.env[name]
  Object.assign(process.env, { HOME: place.home, XDG_RUNTIME_DIR: place.runtimeFolder, ...environment(place) })
  return place
}

/** Processes of this user that were started with this text in their command or their environment. */
export function findProcesses(text: string): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    return [read(`/proc/${entry}/cmdline`), read(`/proc/${entry}/environ`)].some((each) => each.includes(text)) ? [pid] : []
  })
}

/** Sends a signal to processes; one that has ended already is fine. */
export function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** Stops processes. On a busy machine their threads go on for a tenth of a second. */
export async function stopAll(pids: readonly number[]): Promise<void> {
  signalAll(pids, 'SIGSTOP')
  const threads = (pid: number): readonly string[] => readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}/stat`)
  await until(`processes ${pids.join(' ')} that stand still`, () =>
    pids.flatMap(threads).every((path) => /^\d+ \(.*\) T/su.test(read(path))),
  )
}

/** Waits until something is true. @throws Error after ten seconds */
export async function until(what: string, question: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await question())) {
    if (performance.now() > end) throw new Error(`${what}: not within 10 s`)
    await sleep(20)
  }
}

/** A process that has ended, or is a zombie whose parent does not look. */
export function hasEnded(pid: number): boolean {
  return !/^\d+ \(.*\) [^ZX]/su.test(read(`/proc/${pid}/stat`))
}

/** All ids of this user: files of the containers belong to them (util-linux 2.38). */
const AS_ALL_IDS = ['--user', '--map-root-user', '--map-auto']

/** Ends what still lives in the folder, and removes it. */
export async function removePrivateFolder({ folder, leave }: PrivateFolder): Promise<void> {
  leave()
  const left = withDescendants(findProcesses(folder))
  signalAll(left, 'SIGKILL')
  await until(`the processes ${left.join(' ')} of ${folder}`, () => left.every(hasEnded))
  // Of a test that failed: the runtime folder is not in memory, so secrets lie elsewhere.
  const secrets = readdirSync('/dev/shm').filter((name) => name.startsWith(`rootless-runtime-secrets-${process.pid}-`))
  await must('unshare', [...AS_ALL_IDS, 'rm', '-rf', folder, ...secrets.map((name) => join('/dev/shm', name))])
}

/** With what they started: a container's own processes know nothing of the folder. */
function withDescendants(pids: readonly number[]): readonly number[] {
  const all = new Set(pids)
  const processes = listProcesses()
  for (let before = -1; before !== all.size;) {
    before = all.size
    for (const { pid, parent } of processes) if (all.has(parent)) all.add(pid)
  }
  return [...all].filter((pid) => pid !== process.pid)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

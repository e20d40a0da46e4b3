import type { Duplex } from 'node:stream'
import { printable, RootlessError, type Answer, type Machine, type SpawnedProcess } from '@rootless-runtime/core'
import { losesItsSocket } from './podman-activation.ts'
import { ROOTFUL, unavailable } from './podman-errors.ts'
import { readHead } from './podman-upgrade.ts'

/** Where Podman's API is served, for as long as it is. */
export interface PodmanService {
  /** A new connection to it. @throws RootlessError `ENGINE_UNAVAILABLE` */
  connect(): Promise<Duplex>
  /** Of Podman. @throws RootlessError `ENGINE_UNAVAILABLE` */
  version(): Promise<string>
  /** Fires when whoever serves it now has ended. @throws RootlessError `ENGINE_UNAVAILABLE` */
  lost(): Promise<AbortSignal>
  /** Whether the one whose end is `lost` still listens; never rejects. */
  isServed(lost: AbortSignal): Promise<boolean>
}

interface Served extends Held {
  readonly path: string
}

interface Held {
  readonly version: string
  readonly lost: AbortSignal
  /** Makes `lost` fire: somebody saw that it has ended. */
  readonly lose: () => void
}

/** How long our own service outlives its last connection: it ends that soon after this process, however that ended. */
const IDLE_SECONDS = 5
const POLL_MS = 5
/** Whoever listens at the user's socket and says nothing for so long is left alone. */
const MAXIMUM_ANSWER_MS = 3000

/** A body of one byte, which does not come: without it the service only waits, and cut off it is no JSON. */
const UNFINISHED = [
  'POST /v3.0.0/libpod/containers/create HTTP/1.1',
  'Host: podman',
  'Content-Type: application/json',
  'Content-Length: 1',
  '\r\n',
].join('\r\n')

/** Finds the service with the first connection, and once for all of them; anew when it has ended. */
export function createPodmanService(machine: Machine, timeoutMs: number): PodmanService {
  let served: Promise<Served> | undefined
  const current = async (): Promise<Served> => {
    const before = served
    // Of many who find it ended at once, one looks for the next: a second one would be held open beside it.
    if (before !== undefined && (await before).lost.aborted && served === before) served = undefined
    const now = (served ??= serve(machine, timeoutMs))
    try {
      return await now
    } catch (error) {
      if (served === now) served = undefined
      throw error
    }
  }
  const knock = async (): Promise<Answer<Duplex>> => {
    const { path, lose } = await current()
    const answer = await machine.connect(path, { timeoutMs })
    if (answer.status !== 'ok') lose()
    return answer
  }
  return {
    connect: async () => {
      const first = await knock()
      // The end of a service is heard of later than a connection is refused. Nothing was sent: the next one gets the question.
      const answer = first.status === 'ok' ? first : await knock()
      if (answer.status === 'ok') return answer.value
      throw unavailable(`nobody answers at Podman's socket: ${answer.reason}`)
    },
    isServed: async (lost) => {
      if (lost.aborted) return false
      const answer = await knock()
      if (answer.status === 'ok') answer.value.destroy()
      return answer.status === 'ok' && !lost.aborted
    },
    lost: async () => (await current()).lost,
    version: async () => (await current()).version,
  }
}

/** The user's own socket when Podman answers there, else a service of ours. */
async function serve(machine: Machine, timeoutMs: number): Promise<Served> {
  if (machine.user.uid === 0) throw unavailable(ROOTFUL)
  const folder = await findRuntimeFolder(machine)
  const own = `${folder}/podman/podman.sock`
  if (await mayBeAsked(machine, own, timeoutMs)) {
    const held = await hold(machine, own, Math.min(timeoutMs, MAXIMUM_ANSWER_MS))
    if (held.status === 'ok') return { path: own, ...held.value }
  }
  return await startService(machine, folder, timeoutMs)
}

async function mayBeAsked(machine: Machine, socket: string, timeoutMs: number): Promise<boolean> {
  if ((await machine.status(socket)).status !== 'ok') return false
  const answer = await machine.run({ file: 'podman', arguments: ['--version'], timeoutMs })
  const version = answer.status === 'exited' ? answer.stdout.trim().split(' ').at(-1) : undefined
  return version !== undefined && losesItsSocket(version) === undefined
}

/** The folder in memory that is this user's alone. @throws RootlessError `HOST_REFUSED` */
export async function findRuntimeFolder({ environment, user, status }: Machine): Promise<string> {
  const folder = environment['XDG_RUNTIME_DIR'] || `/run/user/${user.uid}`
  const answer = await status(folder)
  if (answer.status === 'ok' && answer.value.kind === 'directory' && answer.value.uid === user.uid) return folder
  const why = answer.status === 'ok' ? 'it is no folder of this user' : answer.reason
  throw new RootlessError('HOST_REFUSED', `${printable(folder)} cannot hold what belongs to this user alone: ${why}`, {
    engine: 'podman',
    evidence: why,
  })
}

let started = 0

async function startService(machine: Machine, runtimeFolder: string, timeoutMs: number): Promise<Served> {
  const folder = `${runtimeFolder}/rootless-runtime`
  await machine.files.makeDirectory(folder)
  await removeOrphans(machine, folder)
  started += 1
  const name = `${folder}/podman-${process.pid}-${started}`
  const [path, log] = [`${name}.sock`, `${name}.log`]
  const spawned = await machine.spawn({
    file: 'podman',
    arguments: ['--log-level', 'error', 'system', 'service', `--time=${IDLE_SECONDS}`, `unix://${path}`],
    environment: { CONTAINER_HOST: undefined, CONTAINER_CONNECTION: undefined, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' },
    lifetime: 'detached',
    outputFile: log,
  })
  if (spawned.status !== 'ok') throw unavailable(`podman system service did not start: ${spawned.reason}`)
  try {
    const held = await awaitService(machine, spawned.value, path, timeoutMs)
    // One that was ended by force leaves its socket.
    held.lost.addEventListener('abort', () => void machine.files.remove(path).catch(() => {}), { once: true })
    return { path, ...held }
  } catch (error) {
    spawned.value.kill('SIGKILL')
    await machine.files.remove(path)
    const said = await machine.readText(log)
    const words = said.status === 'ok' && said.value !== '' ? printable(said.value) : 'nothing'
    throw unavailable(`podman system service did not come up, and said: ${words}`, error)
  } finally {
    await machine.files.remove(log)
  }
}

async function awaitService(machine: Machine, spawned: SpawnedProcess, path: string, timeoutMs: number): Promise<Held> {
  const deadline = performance.now() + timeoutMs
  let ended: string | undefined
  void spawned.ended.then((end) => (ended = 'exitCode' in end ? `exit code ${end.exitCode}` : end.signal))
  for (;;) {
    const held = await hold(machine, path, Math.max(1, deadline - performance.now()))
    if (held.status === 'ok') return held.value
    if (ended !== undefined) throw new Error(`podman system service ended with ${ended}`)
    if (performance.now() > deadline) throw new Error(`podman system service is not there after ${timeoutMs} ms: ${held.reason}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/**
 * A question that is never finished, on a connection of its own. While it is open the service does not count itself as idle, as it
 * does with a connection on which nothing is asked (4.3.1: after twice its time). Its end is the end of the service; it holds no event
 * loop up.
 */
async function hold(machine: Machine, path: string, timeoutMs: number): Promise<Answer<Held>> {
  const answer = await machine.connect(path, { timeoutMs })
  if (answer.status !== 'ok') return answer
  const connection = answer.value
  const lost = new AbortController()
  const onEnd = (): void => {
    connection.destroy()
    lost.abort()
  }
  const timer = setTimeout(onEnd, timeoutMs)
  connection.on('error', onEnd).write('HEAD /_ping HTTP/1.1\r\nHost: podman\r\n\r\n')
  try {
    const version = /^libpod-api-version: *(\S+)\r$/imu.exec(await readHead(connection))?.[1]
    if (version === undefined) throw new Error('it is not Podman')
    connection.write(UNFINISHED)
    connection.once('end', onEnd).once('close', onEnd).resume()
    if ('unref' in connection && typeof connection.unref === 'function') connection.unref()
    return { status: 'ok', value: { version: printable(version, 40), lost: lost.signal, lose: onEnd } }
  } catch (error) {
    connection.destroy()
    return {
      status: 'failed',
      reason: `${printable(path)}: ${printable(error instanceof Error ? error.message : String(error))}`,
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Sockets of processes that have ended, whose service was ended by force. */
async function removeOrphans(machine: Machine, folder: string): Promise<void> {
  const names = await machine.listDirectory(folder)
  for (const name of names.status === 'ok' ? names.value : []) {
    const pid = /^podman-(\d+)-\d+\.(?:sock|log)$/u.exec(name)?.[1]
    if (pid === undefined || (await machine.status(`/proc/${pid}`)).status !== 'absent') continue
    await machine.files.remove(`${folder}/${name}`)
  }
}

import { dirname } from 'node:path'
import { known, printable, unknownFact, type Fact, type System } from '@rootless-runtime/core'
import { openSocketApi, type SocketApi } from './docker-api.ts'
import { parseRootlessKitArguments, type RootlessKitArguments } from './rootlesskit-arguments.ts'
import type { RootlessKitInfo } from './docker-info.ts'

/** RootlessKit's drivers as it says them, with its arguments where they could be read. */
export interface RootlessKitFacts extends RootlessKitInfo {
  readonly arguments: RootlessKitArguments | null
}

/**
 * The network around rootless Docker, which `GET /info` does not tell: `GET /version` since 23.0, else RootlessKit's own API,
 * else its arguments. Its state folder has a random name before 25.0 and stands in the environment of dockerd.
 */
export async function readRootlessKit(
  system: System,
  api: SocketApi,
  socketPath: string,
  timeoutMs: number,
): Promise<Fact<RootlessKitFacts>> {
  const pidFile = `${dirname(socketPath)}/docker.pid`
  const [version, pid] = await Promise.all([api.get('/version'), readPid(system, pidFile)])
  const { parseVersionComponent } = await import('./docker-info.ts')
  const listed = version.status === 'ok' ? parseVersionComponent(version.value.body) : null
  const given = pid.status === 'known' ? await readArguments(system, pid.value) : null
  if (listed !== null) return known({ ...listed, arguments: given }, 'GET /version: rootlesskit')
  if (pid.status === 'unknown') return pid
  const answered = await askRootlessKit(system, pid.value, timeoutMs)
  if (answered.status === 'known') return known({ ...answered.value, arguments: given }, answered.source)
  if (given === null) return answered
  return known(
    { version: null, networkDriver: given.net, portDriver: given.portDriver, arguments: given },
    'arguments of RootlessKit',
  )
}

/** The daemon's process id, of the host: rootless Docker has no pid namespace. */
async function readPid(system: System, path: string): Promise<Fact<number>> {
  const text = await system.readText(path, { maximumBytes: 64 })
  if (text.status !== 'ok') return unknownFact(`RootlessKit could not be found: ${text.reason}`, path)
  const pid = Number(text.value.trim())
  return Number.isInteger(pid) && pid > 1 ? known(pid, path) : unknownFact(`${path} holds no process id`, path)
}

async function askRootlessKit(system: System, pid: number, timeoutMs: number): Promise<Fact<RootlessKitInfo>> {
  const source = `/proc/${pid}/environ`
  const environment = await system.readText(source)
  if (environment.status !== 'ok') return unknownFact(`RootlessKit could not be found: ${environment.reason}`, source)
  const prefix = 'ROOTLESSKIT_STATE_DIR='
  const folder = environment.value
    .split('\0')
    .find((line) => line.startsWith(prefix))
    ?.slice(prefix.length)
  if (folder === undefined || !folder.startsWith('/')) return unknownFact(`process ${pid} was not started by RootlessKit`, source)
  const opened = await openSocketApi(system, `${folder}/api.sock`, timeoutMs)
  if (opened.status !== 'ok') return unknownFact(`RootlessKit: ${printable(opened.reason)}`, source)
  const answer = await opened.value.get('/v1/info')
  if (answer.status !== 'ok') return unknownFact(`RootlessKit: ${answer.reason}`, source)
  const { parseRootlessKitInfo } = await import('./docker-info.ts')
  const info = parseRootlessKitInfo(answer.value.body)
  if (typeof info === 'string') return unknownFact(`RootlessKit: GET /v1/info: ${info}`, source)
  return known(info, 'GET /v1/info of RootlessKit')
}

/** The arguments of RootlessKit's child, which is the parent of dockerd and carries those of RootlessKit itself. */
async function readArguments(system: System, pid: number): Promise<RootlessKitArguments | null> {
  const status = await system.readText(`/proc/${pid}/status`)
  const parent = status.status === 'ok' ? /^PPid:\s*(\d+)$/mu.exec(status.value)?.[1] : undefined
  if (parent === undefined) return null
  const line = await system.readText(`/proc/${parent}/cmdline`)
  return line.status === 'ok' ? parseRootlessKitArguments(line.value) : null
}

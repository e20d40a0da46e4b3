import {
  known,
  printable,
  readIoWeightRefusal,
  readMountOf,
  unknownFact,
  type Availability,
  type CommandAnswer,
  type Fact,
  type Mount,
  type Place,
  type PlaceVerdict,
  type System,
} from '@rootless-runtime/core'
import { ROOTFUL, SETUP_FIX, toPodmanFailure } from './podman-errors.ts'
import { parseServiceDestinations } from './podman-connections.ts'
import type { PodmanInfo } from './podman-info.ts'
import { losesItsSocket } from './podman-activation.ts'
import { askSocket } from './podman-socket.ts'

const MAXIMUM_SOCKETS = 16
const SYSTEM_SOCKET = '/run/podman/podman.sock'

// Set, they would make the command a client of some other service (4.3.1).
const LOCAL = { CONTAINER_HOST: undefined, CONTAINER_CONNECTION: undefined, PODMAN_IGNORE_CGROUPSV1_WARNING: '1' }

/** What Podman says of itself, with what its answers cannot tell. */
export interface PodmanFacts {
  readonly info: PodmanInfo
  /** The mount that holds the store. */
  readonly mount: Fact<Mount>
  /** The controllers of the cgroup2 tree of a hybrid host: crun refuses to run when there is one. */
  readonly hybridControllers: Fact<readonly string[]>
  /** Why its runtime starts no container with a weight of io, or `null`. */
  readonly ioWeightRefusal: Fact<string | null>
}

/** The facts are there exactly when Podman is available. */
export type PodmanAnswer =
  | { readonly availability: Extract<Availability, { status: 'available' }>; readonly facts: PodmanFacts }
  | { readonly availability: Exclude<Availability, { status: 'available' }>; readonly facts: null }

/**
 * Asks `podman info` once, and whoever listens on Podman's sockets who they are. The first `podman info` of a user makes its
 * folders and settles the storage driver, and the first after a boot starts its pause process: Podman cannot be asked without.
 */
export async function readPodman(system: System, timeoutMs: number): Promise<PodmanAnswer> {
  // Even `podman info` makes folders and a database: root's are not ours to make.
  if (system.user.uid === 0) return refuseRoot(system, timeoutMs)
  // It takes longer than all else together: it is started first, and the parser is loaded while it runs.
  const asked = system.run({ file: 'podman', arguments: ['info', '--format', 'json'], timeoutMs, environment: LOCAL })
  const [answer, program, others, { parsePodmanInfo }] = await Promise.all([
    asked,
    system.findExecutable('podman'),
    readOtherPlaces(system, timeoutMs, readVersion(asked)),
    import('./podman-info.ts'),
  ])
  if (answer.status === 'absent') return notInstalled(others)
  const path = program.status === 'ok' ? printable(program.value) : 'podman'
  if (answer.status !== 'exited' || answer.exitCode !== 0) {
    const failure = toPodmanFailure(answer)
    if (failure.kind === 'unknown') return notKnown(failure.reason, [place(path, failure.reason, 'unknown'), ...others])
    return unavailable(failure.reason, [place(path, failure.reason, 'unusable'), ...others], failure.fix)
  }
  const parsed = parsePodmanInfo(answer.stdout)
  if (!parsed.ok) return notKnown(parsed.reason, [place(path, parsed.reason, 'unknown'), ...others])
  const { info } = parsed
  const name = `Podman ${info.version}`
  if (!info.rootless) return unavailable(ROOTFUL, [place(path, `${name}, as root`, 'rootful'), ...others], null)
  if (info.remote)
    return unavailable('podman is the client of another machine', [place(path, `${name}, remote`, 'unusable'), ...others])
  return {
    availability: {
      status: 'available',
      version: info.version,
      endpoint: path,
      places: [place(path, `${name}, by podman info, which starts its pause process when none runs`, 'used'), ...others],
    },
    facts: await readFacts(system, info),
  }
}

async function readFacts(system: System, info: PodmanInfo): Promise<PodmanFacts> {
  const [mount, hybridControllers, ioWeightRefusal] = await Promise.all([
    readMountOf(system, info.graphRoot),
    readHybridControllers(system),
    readIoWeightRefusal(system, info.ociRuntime, info.ociRuntimeVersion),
  ])
  return { info, mount, hybridControllers, ioWeightRefusal }
}

async function refuseRoot(system: System, timeoutMs: number): Promise<PodmanAnswer> {
  const [program, others] = await Promise.all([
    system.findExecutable('podman'),
    readOtherPlaces(system, timeoutMs, Promise.resolve('')),
  ])
  if (program.status === 'absent') return notInstalled(others)
  return unavailable(ROOTFUL, [place('podman', 'not asked: it would run as root', 'rootful'), ...others], null)
}

function notInstalled(others: readonly Place[]): PodmanAnswer {
  return unavailable('Podman is not installed: no podman on the PATH', [place('podman', 'not on the PATH', 'absent'), ...others])
}

function place(name: string, answer: string, verdict: PlaceVerdict): Place {
  return { place: name, answer, verdict }
}

/** The version of the Podman that is here, or nothing. */
async function readVersion(asked: Promise<CommandAnswer>): Promise<string> {
  const [answer, { parsePodmanInfo }] = await Promise.all([asked, import('./podman-info.ts')])
  if (answer.status !== 'exited') return ''
  const parsed = parsePodmanInfo(answer.stdout)
  return parsed.ok ? parsed.info.version : ''
}

async function readOtherPlaces(system: System, timeoutMs: number, version: Promise<string>): Promise<readonly Place[]> {
  return (await Promise.all([readSocketPlaces(system, timeoutMs, version), readConnections(system, timeoutMs)])).flat()
}

/** The sockets of this user, of `CONTAINER_HOST`, and the system's. */
async function readSocketPlaces(system: System, timeoutMs: number, version: Promise<string>): Promise<readonly Place[]> {
  const { environment, user } = system
  const host = environment['CONTAINER_HOST']
  const runtimeDirectory = environment['XDG_RUNTIME_DIR'] ?? `/run/user/${user.uid}`
  const own = `${runtimeDirectory}/podman/podman.sock`
  const named = host === undefined || host === '' ? [] : [askAddress(system, 'CONTAINER_HOST', host, timeoutMs)]
  const askOwn = async (): Promise<Place> => {
    const loses = losesItsSocket(await version)
    return loses === undefined ? askSocket(system, own, own, timeoutMs) : place(own, loses, 'unknown')
  }
  return Promise.all([...named, askOwn(), askSocket(system, SYSTEM_SOCKET, SYSTEM_SOCKET, timeoutMs)])
}

function askAddress(system: System, name: string, address: string, timeoutMs: number): Promise<Place> {
  const path = /^unix:(?:\/\/)?(\/.*)$/u.exec(address)?.[1]
  const shown = printable(address.replace(/\/\/[^@/]*@/u, '//'), 120)
  if (path === undefined) return Promise.resolve(place(name, `${shown} is no socket of this machine`, 'unusable'))
  return askSocket(system, `${name}: ${shown}`, path, timeoutMs)
}

/**
 * Connections that somebody has added: `podman-connections.json` since 5.0, before it tables of containers.conf(5). Podman's own
 * command for them costs 26 ms and says the same.
 */
async function readConnections(system: System, timeoutMs: number): Promise<readonly Place[]> {
  const folder = `${system.environment['XDG_CONFIG_HOME'] ?? `${system.user.homeDirectory}/.config`}/containers`
  const [json, toml] = await Promise.all([
    system.readText(`${folder}/podman-connections.json`),
    system.readText(`${folder}/containers.conf`),
  ])
  const found = [
    ...(json.status === 'ok' ? (await import('./podman-info.ts')).parseConnectionsJson(json.value) : []),
    ...(toml.status === 'ok' ? parseServiceDestinations(toml.value) : []),
  ]
  return Promise.all(
    found
      .slice(0, MAXIMUM_SOCKETS)
      .map(({ name, uri }) => askAddress(system, `connection ${printable(name, 60)}`, uri, timeoutMs)),
  )
}

async function readHybridControllers(system: System): Promise<Fact<readonly string[]>> {
  // Where systemd 233 and later, and those who follow it, mount cgroup2 beside v1.
  const path = '/sys/fs/cgroup/unified/cgroup.controllers'
  const text = await system.readText(path)
  // Mounted elsewhere, or not at all: on a hybrid host nobody has looked then.
  if (text.status !== 'ok') return unknownFact(text.reason, path)
  return known(
    printable(text.value)
      .split(/\s+/u)
      .filter((word) => word !== ''),
    path,
  )
}

function unavailable(reason: string, places: readonly Place[], fix: typeof SETUP_FIX | null = SETUP_FIX): PodmanAnswer {
  return { availability: { status: 'unavailable', reason, places, ...(fix && { fix }) }, facts: null }
}

function notKnown(reason: string, places: readonly Place[]): PodmanAnswer {
  return { availability: { status: 'unknown', reason, places }, facts: null }
}

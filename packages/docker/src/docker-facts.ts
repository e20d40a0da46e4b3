import {
  known,
  printable,
  readIoWeightRefusal,
  readMountOf,
  unknownFact,
  type Answer,
  type Availability,
  type Fact,
  type Mount,
  type Place,
  type PlaceVerdict,
  type System,
} from '@rootless-runtime/core'
import { listAddresses, type DockerAddress } from './docker-addresses.ts'
import { openSocketApi, type HttpAnswer, type SocketApi } from './docker-api.ts'
import { SETUP_FIX } from './docker-errors.ts'
import type { DockerInfo } from './docker-info.ts'
import { readRootlessKit, type RootlessKitFacts } from './rootlesskit-facts.ts'
import { askForVpnkit, type VpnkitDriver } from './rootlesskit-vpnkit.ts'

/** What rootless Docker says of itself, and what RootlessKit says of the network around it. */
export interface DockerFacts {
  readonly info: DockerInfo
  readonly rootlessKit: Fact<RootlessKitFacts>
  readonly vpnkitDriver: Fact<VpnkitDriver>
  /** The MTU of Docker's default bridge, which is what a container's device has. */
  readonly bridgeMtuBytes: Fact<number>
  readonly mount: Fact<Mount>
  /** Whether the bridge that lxc-user-nic would use exists. */
  readonly lxcBridgePresent: Fact<boolean>
  /** Why its runtime starts no container with a weight of io, or `null`. */
  readonly ioWeightRefusal: Fact<string | null>
}

/** The facts are there exactly when rootless Docker is available. */
export type DockerAnswer =
  | { readonly availability: Extract<Availability, { status: 'available' }>; readonly facts: DockerFacts }
  | { readonly availability: Exclude<Availability, { status: 'available' }>; readonly facts: null }

/** A place that was asked; with a daemon behind it when that is Docker without root. */
interface AskedPlace {
  readonly place: Place
  readonly daemon: { readonly api: SocketApi; readonly info: DockerInfo; readonly socketPath: string } | null
}

/** The daemon that is used, with every place that was asked. */
export interface FoundDocker {
  readonly places: readonly Place[]
  readonly daemon: AskedPlace['daemon']
}

/** Asks every place who is there. Starts nothing and changes nothing. */
export async function findDocker(system: System, timeoutMs: number): Promise<FoundDocker> {
  const [addresses, command] = await Promise.all([listAddresses(system), lookAtCommand(system)])
  const asked = await Promise.all(addresses.map((address) => askAddress(system, address, timeoutMs)))
  const used = asked.find(({ daemon }) => daemon !== null)
  const places = [...asked.map((each) => (each === used ? toUsed(each.place) : each.place)), command]
  return { places, daemon: used?.daemon ?? null }
}

/** Whether there is a rootless Docker, and what it is. */
export async function readDocker(system: System, { places, daemon }: FoundDocker, timeoutMs: number): Promise<DockerAnswer> {
  if (daemon === null) return notFound(system, places)
  const { api, info, socketPath } = daemon
  return {
    availability: { status: 'available', version: info.version, endpoint: `unix://${socketPath}`, places },
    facts: await readFacts(system, api, info, socketPath, timeoutMs),
  }
}

function toUsed(place: Place): Place {
  return { ...place, verdict: 'used' }
}

/** The answer when no place has a rootless Docker. */
export function notFound(system: System, places: readonly Place[]): DockerAnswer {
  const unsure = places.find(({ verdict }) => verdict === 'unknown')
  if (unsure !== undefined)
    return { availability: { status: 'unknown', reason: `${unsure.place}: ${unsure.answer}`, places }, facts: null }
  const rootful = places.find(({ verdict }) => verdict === 'rootful')
  const nobody = system.user.uid === 0 ? 'no rootless Docker of root; ask as an ordinary user' : 'no rootless Docker answers'
  const reason = rootful === undefined ? nobody : `${nobody}; the one at ${rootful.place} runs as root and is not used`
  return { availability: { status: 'unavailable', reason, places, fix: SETUP_FIX }, facts: null }
}

async function askAddress(system: System, address: DockerAddress, timeoutMs: number): Promise<AskedPlace> {
  if (address.kind === 'other') return { place: address.place, daemon: null }
  const { name, path, own } = address
  const answer = (text: string, verdict: PlaceVerdict): AskedPlace => ({
    place: { place: name, answer: printable(text), verdict },
    daemon: null,
  })
  const opened = await openSocketApi(system, path, timeoutMs)
  if (opened.status === 'absent') return answer(opened.reason, 'absent')
  if (opened.status !== 'ok') return answer(opened.reason, opened.status === 'denied' && !own ? 'unusable' : 'unknown')
  const ping = await opened.value.get('/_ping')
  if (ping.status !== 'ok') return answer(ping.reason, 'unknown')
  const other = toOtherEngine(ping.value)
  if (other !== null) return answer(other, 'other-engine')
  const info = await opened.value.get('/info')
  if (info.status !== 'ok') return answer(info.reason, 'unknown')
  if (info.value.statusCode !== 200) return answer(`GET /info: status ${info.value.statusCode}`, 'unknown')
  const { parseDockerInfo } = await import('./docker-info.ts')
  const parsed = parseDockerInfo(info.value.body)
  if (typeof parsed === 'string') return answer(`GET /info: ${parsed}`, 'unknown')
  if (!parsed.rootless) return answer(`Docker ${parsed.version}, as root`, 'rootful')
  return {
    place: { place: name, answer: `Docker ${parsed.version}, without root`, verdict: 'usable' },
    daemon: { api: opened.value, info: parsed, socketPath: path },
  }
}

/** Who answers `/_ping` when it is not Docker: Podman says so in a header, whatever its socket is called. */
function toOtherEngine({ headers, statusCode }: HttpAnswer): string | null {
  const podman = headers.get('libpod-api-version')
  if (podman !== undefined) return `Podman ${printable(podman, 40)} answers, not Docker`
  const server = headers.get('server') ?? ''
  if (server.startsWith('Docker/')) return null
  const name = server === '' ? `something (status ${statusCode})` : printable(server, 60)
  return `${name} answers, not Docker`
}

const LONGEST_WRAPPER_BYTES = 64 * 1024

/**
 * The `docker` command, which may be a link to Podman or a script around it. It is looked at and not run: it is not needed, as
 * the daemon is asked through its socket.
 */
async function lookAtCommand(system: System): Promise<Place> {
  const program = await system.findExecutable('docker')
  if (program.status !== 'ok') return { place: 'docker command', answer: 'not on the PATH', verdict: 'absent' }
  const [real, script] = await Promise.all([
    system.realPath(program.value),
    system.readText(program.value, { maximumBytes: LONGEST_WRAPPER_BYTES }),
  ])
  const place = `docker command ${printable(program.value)}`
  const isPodman =
    (real.status === 'ok' && real.value.endsWith('/podman')) ||
    (script.status === 'ok' && script.value.startsWith('#!') && /\bpodman\b/u.test(script.value))
  return isPodman
    ? { place, answer: "Podman's, under Docker's name", verdict: 'other-engine' }
    : { place, answer: 'a client; the daemon is asked without it', verdict: 'usable' }
}

async function readFacts(
  system: System,
  api: SocketApi,
  info: DockerInfo,
  socketPath: string,
  timeoutMs: number,
): Promise<DockerFacts> {
  const [rootlessKit, vpnkitDriver, bridge, mount, lxcBridge, ioWeightRefusal] = await Promise.all([
    readRootlessKit(system, api, socketPath, timeoutMs),
    askForVpnkit(system),
    api.get('/networks/bridge'),
    readMountOf(system, info.rootDirectory),
    system.status('/sys/class/net/lxcbr0'),
    readIoWeightRefusal(system, 'runc', info.runc ?? ''),
  ])
  const bridgeMtuBytes = await readBridgeMtu(bridge)
  return { info, rootlessKit, vpnkitDriver, bridgeMtuBytes, mount, lxcBridgePresent: toPresence(lxcBridge), ioWeightRefusal }
}

async function readBridgeMtu(answer: Answer<HttpAnswer>): Promise<Fact<number>> {
  const source = 'GET /networks/bridge'
  if (answer.status !== 'ok') return unknownFact(answer.reason, source)
  const { parseBridgeMtu } = await import('./docker-info.ts')
  const mtu = parseBridgeMtu(answer.value.body)
  return mtu === null ? unknownFact('Docker does not say the MTU of its bridge', source) : known(mtu, source)
}

function toPresence(answer: Answer<unknown>): Fact<boolean> {
  const source = '/sys/class/net/lxcbr0'
  if (answer.status === 'ok') return known(true, source)
  return answer.status === 'absent' ? known(false, source) : unknownFact(answer.reason, source)
}

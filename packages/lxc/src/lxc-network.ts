import {
  RootlessError,
  type Call,
  type Capabilities,
  type ContainerPlan,
  type Machine,
  type PublishedPort,
} from '@rootless-runtime/core'
import { enterBridge, readBridge, readLeases, toBridgeRelays, toRandomPlace, type BridgePlace } from './lxc-bridge.ts'
import { readHostAddresses } from './lxc-host-address.ts'
import type { FileDoor } from './lxc-mapped.ts'
import { createMembers, type Members } from './lxc-members.ts'
import { readChoice, writeChoice, type NetworkChoice } from './lxc-network-choice.ts'
import { toHostsFile, toReachableServers, toResolverFile, type NetworkFiles } from './lxc-network-files.ts'
import { requireNetwork } from './lxc-networks.ts'
import type { NetworkPart, NetworkRequest, NetworkServing } from './lxc-parts.ts'
import { isLoopbackDatagram, needsRelay, planRelays } from './lxc-publish.ts'
import { PASTA_NAME_SERVER, startPasta } from './lxc-pasta.ts'
import { toHostname } from './lxc-record.ts'
import { SLIRP_ADDRESS, SLIRP_NAME_SERVER, startSlirp } from './lxc-slirp.ts'
import type { FileStore } from './lxc-store.ts'

export interface NetworkSource {
  readonly door: FileDoor
  readonly store: FileStore
  readonly timeoutMs: number
  readonly capabilities: () => Promise<Capabilities>
  /** The bridge of the user's default configuration. */
  readonly bridge: () => Promise<string | null>
}

/** The networks of containers. */
export interface FileNetwork extends NetworkPart {
  /** What a container finds in /etc of where it is. */
  files(plan: ContainerPlan, containerId: string): Promise<NetworkFiles>
}

export function createLxcNetwork(source: NetworkSource): FileNetwork {
  const { door, store, timeoutMs } = source
  const { machine } = door
  const members = createMembers(door, store)
  return {
    prepare: (request) => prepare(source, members, request),
    beforeCommand: (request, pid, call) => beforeCommand(source, members, { request, pid }, call),
    files: (plan, containerId) => describeFiles(source, plan, containerId),
    remove: (request) => members.leave(request),
    address: async (request) => {
      const { driver, address, bridge } = await readChoice(machine, request)
      if (address !== null) return address
      if (driver === 'lxc-user-nic') return bridge?.address ?? null
      if (driver === 'pasta') return (await readHostAddresses(machine, timeoutMs))[0] ?? null
      return driver === 'slirp4netns' ? SLIRP_ADDRESS : null
    },
    hostAddress: async (request) => findHostAddress(source, await readChoice(machine, request)),
  }
}

async function prepare(source: NetworkSource, members: Members, request: NetworkRequest): Promise<readonly string[]> {
  const { network, ports } = request
  const choice = await choose(source, request)
  if (!isWayOut(choice.driver) && ports.length > 0)
    throw new RootlessError('NOT_SUPPORTED', `the network ${network} of LXC publishes no port`, { engine: 'lxc' })
  const isNamed = network !== 'default' && network !== 'none' && network !== 'host'
  if (choice.driver === 'pasta' && ports.some(isLoopbackDatagram))
    throw new RootlessError(
      'NOT_SUPPORTED',
      'pasta loses the answers of a UDP port that is published on the loopback; slirp4netns does not',
      {
        engine: 'lxc',
      },
    )
  const address = isNamed ? await members.join(request) : null
  const link = (await source.bridge()) ?? DEFAULT_BRIDGE
  const bridge = choice.driver === 'lxc-user-nic' ? await takePlace(source, members, request, link) : null
  await writeChoice(source.door.machine, request, { driver: choice.driver, address, bridge })
  if (choice.driver === 'host') return HOST_LINES
  const addresses = [address, bridge?.address ?? null].filter((each) => each !== null)
  return addresses.length === 0 ? EMPTY_LINES : toVethLines(link, addresses)
}

async function takePlace(
  { door, timeoutMs }: NetworkSource,
  members: Members,
  request: NetworkRequest,
  link: string,
): Promise<BridgePlace> {
  const [bridge, leases] = await Promise.all([readBridge(door.machine, link, timeoutMs), readLeases(door.machine, link)])
  const propose = (): string | null => {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1))
    const address = toRandomPlace(bridge.gateway, bridge.prefixLength, random)
    return leases.has(address) ? null : address
  }
  return { ...bridge, address: await members.take(request, propose) }
}

const DEFAULT_BRIDGE = 'lxcbr0'
// LXC 4.0.6 fails to set a device without a name up (network.c); later ones set lo up without being asked.
const EMPTY_LINES = ['lxc.net.0.type = empty', 'lxc.net.0.name = lo', 'lxc.net.0.flags = up']
/** sysfs cannot be mounted in a network namespace of another user namespace; the host's is shown instead. */
const HOST_LINES = [
  'lxc.net.0.type = none',
  'lxc.mount.auto =',
  'lxc.mount.auto = proc:mixed',
  'lxc.mount.entry = /sys sys none rbind,ro 0 0',
]

/** Alone on its link: who else is there is reached by routes of ours, which nobody inside may change. */
function toVethLines(bridge: string, addresses: readonly string[]): readonly string[] {
  return [
    'lxc.net.0.type = veth',
    `lxc.net.0.link = ${bridge}`,
    'lxc.net.0.flags = up',
    'lxc.net.0.name = eth0',
    ...addresses.map((address) => `lxc.net.0.ipv4.address = ${address}/32`),
  ]
}

async function choose(
  source: NetworkSource,
  { network, ports }: Pick<NetworkRequest, 'network' | 'ports'>,
): Promise<Pick<NetworkChoice, 'driver'>> {
  if (network === 'none' || network === 'host') return { driver: network }
  if (network !== 'default' && (await requireNetwork(source.door.machine, source.store, network)).isolated)
    return { driver: 'none' }
  return { driver: await chooseWayOut(source, ports) }
}

const WAYS_OUT = ['slirp4netns', 'pasta', 'lxc-user-nic'] as const
type WayOut = (typeof WAYS_OUT)[number]

function isWayOut(driver: NetworkChoice['driver']): driver is WayOut {
  return WAYS_OUT.some((way) => way === driver)
}

/** The bridge last: there, ports are carried by a program of ours. slirp4netns publishes no IPv6 address ("bad arguments.host_addr", 1.2.0). */
async function chooseWayOut({ door, capabilities }: NetworkSource, ports: readonly PublishedPort[]): Promise<WayOut> {
  const needsIpv6 = ports.some(({ address }) => address.includes(':'))
  const fitting: readonly ('slirp4netns' | 'pasta')[] = needsIpv6 ? ['pasta'] : ['slirp4netns', 'pasta']
  const tun = await door.machine.status('/dev/net/tun')
  for (const driver of fitting) {
    const program = await door.machine.findExecutable(driver)
    if (program.status === 'ok' && tun.status === 'ok' && tun.value.readable && tun.value.writable) return driver
  }
  const { drivers } = (await capabilities()).networking
  if (drivers['lxc-user-nic'].status === 'supported') return 'lxc-user-nic'
  const reasons = fitting.map((driver) => {
    const finding = drivers[driver]
    return `${driver}: ${finding.status === 'supported' ? 'cannot use /dev/net/tun' : finding.reason}`
  })
  const first = fitting.map((driver) => drivers[driver]).find((finding) => finding.status === 'unsupported')
  throw new RootlessError('NOT_SUPPORTED', `no network can be given to the container: ${reasons.join('; ')}`, {
    engine: 'lxc',
    ...(first?.fix === undefined ? {} : { fix: first.fix }),
  })
}

async function beforeCommand(
  { door, timeoutMs }: NetworkSource,
  members: Members,
  { request, pid }: { readonly request: NetworkRequest; readonly pid: number },
  call: Call,
): Promise<NetworkServing> {
  const { machine } = door
  const { driver, address, bridge } = await readChoice(machine, request)
  if (address !== null) await members.enter(request, pid)
  const { containerFolder, ports } = request
  if (driver === 'pasta') return { pids: [await startPasta(machine, { pid, containerFolder, ports }, call)], relays: [] }
  if (driver === 'lxc-user-nic' && bridge != null) {
    await enterBridge(door, bridge, pid)
    return { pids: [], relays: toBridgeRelays(ports, bridge.address) }
  }
  if (driver !== 'slirp4netns') return { pids: [], relays: [] }
  const sources = ports.some(needsRelay) ? await readHostAddresses(machine, timeoutMs) : []
  const { direct, relays } = await planRelays(machine, ports, sources[0])
  return { pids: [await startSlirp(machine, { pid, containerFolder, ports: direct }, call)], relays }
}

async function describeFiles(source: NetworkSource, plan: ContainerPlan, containerId: string): Promise<NetworkFiles> {
  const { machine } = source.door
  const hostname = plan.hostname ?? toHostname(containerId)
  const { driver, bridge } = await readChoice(machine, { containerFolder: source.store.containerFolder(containerId) })
  const resolver = await readOr(machine, '/etc/resolv.conf')
  const own = { names: [hostname, plan.name] }
  switch (driver) {
    case 'host':
      return { hostname: `${hostname}\n`, hosts: await readOr(machine, '/etc/hosts'), resolv: resolver }
    case 'none':
      return { hostname: `${hostname}\n`, hosts: toHostsFile([]), resolv: resolver }
    case 'pasta': {
      const [address] = await readHostAddresses(machine, source.timeoutMs)
      const entries = address === undefined ? [] : [{ address, ...own }]
      return { hostname: `${hostname}\n`, hosts: toHostsFile(entries), resolv: toResolverFile(resolver, [PASTA_NAME_SERVER]) }
    }
    case 'lxc-user-nic': {
      const entries = bridge == null ? [] : [{ address: bridge.address, ...own }]
      const servers = toReachableServers(resolver)
      const given = servers.length > 0 || bridge == null ? servers : [bridge.gateway]
      return { hostname: `${hostname}\n`, hosts: toHostsFile(entries), resolv: toResolverFile(resolver, given) }
    }
    case 'slirp4netns': {
      const hosts = toHostsFile([{ address: SLIRP_ADDRESS, ...own }])
      return { hostname: `${hostname}\n`, hosts, resolv: toResolverFile(resolver, [SLIRP_NAME_SERVER]) }
    }
  }
}

async function findHostAddress({ door, timeoutMs }: NetworkSource, { driver, bridge }: NetworkChoice): Promise<string> {
  if (driver === 'host') return '127.0.0.1'
  if (bridge != null) return bridge.gateway
  if (driver === 'none') throw new RootlessError('NOT_SUPPORTED', 'the network of the container leads nowhere', { engine: 'lxc' })
  const all = await readHostAddresses(door.machine, timeoutMs)
  // The first one is the container's own where pasta gave it to it.
  const address = driver === 'pasta' ? all[1] : all[0]
  if (address !== undefined) return address
  throw new RootlessError(
    'NOT_SUPPORTED',
    'this host has no address that the container reaches: only its loopback, which stays closed',
    {
      engine: 'lxc',
    },
  )
}

async function readOr(machine: Machine, path: string): Promise<string> {
  const text = await machine.readText(path)
  return text.status === 'ok' ? text.value : ''
}

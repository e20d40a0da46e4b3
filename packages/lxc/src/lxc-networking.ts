import {
  judgeLxcUserNic,
  judgePrivilegedPorts,
  judgeUserModeNetwork,
  markInUse,
  supported,
  unknown,
  unsupported,
  type DriverUse,
  type Finding,
  type HostFacts,
  type NetworkDriver,
  type NetworkingCapabilities,
  type NetworkProperty,
} from '@rootless-runtime/core'
import type { LxcFacts } from './lxc-facts.ts'

const MANUAL = 'lxc.container.conf(5)'
const DEFAULT_BRIDGE = 'lxcbr0'

/** `lxc.net.[i].type` of an unprivileged container, in our words. */
const NETWORK_TYPES: ReadonlyMap<string, NetworkDriver> = new Map([
  ['veth', 'lxc-user-nic'],
  ['empty', 'none'],
  ['none', 'host'],
])

/** Types that liblxc 5.0.2 refuses: "Networks of type macvlan are not supported by unprivileged containers". */
const PRIVILEGED_TYPES: ReadonlySet<string> = new Set(['macvlan', 'ipvlan', 'phys', 'vlan'])

export function toNetworking(facts: LxcFacts, host: HostFacts): NetworkingCapabilities {
  const each = toDrivers(facts, host)
  const driver = toDriver(facts, each)
  return {
    driver,
    drivers: markInUse(each, driver),
    portDriver: supported('none', `${MANUAL} has no key that publishes a port`),
    mtuBytes: toMtuBytes(facts, driver),
    properties: { ...toProperties(driver), ...toPublishing(each, host) },
  }
}

function toDrivers(facts: LxcFacts, host: HostFacts): Readonly<Record<NetworkDriver, Finding<DriverUse>>> {
  const bridge = facts.config.network?.link ?? DEFAULT_BRIDGE
  return {
    slirp4netns: byHook(judgeUserModeNetwork(host, 'slirp4netns')),
    pasta: byHook(judgeUserModeNetwork(host, 'pasta')),
    'lxc-user-nic': judgeLxcUserNic(host, bridge, facts.bridgePresent),
    vpnkit: unsupported('LXC does not start it, and nobody has shown it with a hook', MANUAL),
    'gvisor-tap-vsock': unsupported('LXC does not start it, and nobody has shown it with a hook', MANUAL),
    host: supported('available', `${MANUAL}: lxc.net.0.type = none`, {
      note: 'needs lxc.mount.auto = proc:mixed and /sys bound into the container',
    }),
    none: supported('available', `${MANUAL}: lxc.net.0.type = empty`),
  }
}

// liblxc 5.0.2 knows no user-mode network; its start-host hook runs as the user in the host's namespaces and may start one.
function byHook(finding: Finding<DriverUse>): Finding<DriverUse> {
  if (finding.status !== 'supported') return finding
  return supported('available', finding.evidence, { note: 'started by lxc.hook.start-host on a network of type empty' })
}

function toDriver({ config }: LxcFacts, each: Readonly<Record<NetworkDriver, Finding<DriverUse>>>): Finding<NetworkDriver> {
  if (config.network === null) return supported('none', `${config.path}: no lxc.net.0.type`, { note: 'loopback only' })
  const { type, link } = config.network
  const evidence = `${config.path}: lxc.net.0.type = ${type}${link === null ? '' : `, link ${link}`}`
  if (PRIVILEGED_TYPES.has(type)) return unsupported(`networks of type ${type} need a privileged container`, evidence)
  const driver = NETWORK_TYPES.get(type)
  if (driver === undefined) return unknown(`${config.path} names a network of type ${type}, which is not in our vocabulary`)
  if (driver !== 'lxc-user-nic') return supported(driver, evidence)
  if (link === null) return unsupported('the veth has no lxc.net.0.link: lxc-user-nic refuses it', evidence)
  const allowed = each[driver]
  return allowed.status === 'supported' ? supported(driver, `${evidence}; ${allowed.evidence}`) : allowed
}

function toMtuBytes({ config, bridgeMtuBytes }: LxcFacts, driver: Finding<NetworkDriver>): Finding<number> {
  if (driver.status !== 'supported' || config.network === null) return unknown('no network device is made')
  if (driver.value !== 'lxc-user-nic') return unknown(`LXC makes no device for the network ${driver.value}`)
  if (config.network.mtuBytes !== null) return supported(config.network.mtuBytes, `${config.path}: lxc.net.0.mtu`)
  // lxc-user-nic gives the veth the MTU of its bridge.
  return bridgeMtuBytes.status === 'known'
    ? supported(bridgeMtuBytes.value, bridgeMtuBytes.source)
    : unknown(bridgeMtuBytes.reason)
}

/** LXC itself forwards no port. Beside the containers of this library a user-mode network does, or else the supervisor, to the bridge. */
function toPublishing(
  { slirp4netns, pasta, 'lxc-user-nic': veth }: Readonly<Record<NetworkDriver, Finding<DriverUse>>>,
  host: HostFacts,
): Pick<Readonly<Record<NetworkProperty, Finding<true>>>, 'publish' | 'publish-privileged'> {
  const forwarder = [slirp4netns, pasta].find(({ status }) => status === 'supported')
  if (forwarder?.status === 'supported') {
    const note = 'by slirp4netns or pasta beside a container that this library made; LXC itself forwards no port'
    return { publish: supported(true, forwarder.evidence, { note }), 'publish-privileged': judgePrivilegedPorts(host) }
  }
  if (veth.status === 'supported') {
    const note = 'by a program of ours beside a container that this library made; LXC itself forwards no port'
    return { publish: supported(true, veth.evidence, { note }), 'publish-privileged': judgePrivilegedPorts(host) }
  }
  if ([slirp4netns, pasta, veth].some(({ status }) => status === 'unknown')) {
    const nobody = unknown('nobody could look whether slirp4netns, pasta or lxc-user-nic can be used')
    return { publish: nobody, 'publish-privileged': nobody }
  }
  const noForward = unsupported(
    'LXC forwards no port, and neither slirp4netns nor pasta nor lxc-user-nic can be used beside it',
    MANUAL,
  )
  return { publish: noForward, 'publish-privileged': noForward }
}

type OwnProperty = Exclude<NetworkProperty, 'publish' | 'publish-privileged'>

function toProperties(driver: Finding<NetworkDriver>): Readonly<Record<OwnProperty, Finding<true>>> {
  const direct = (what: string): Finding<true> => {
    if (driver.status !== 'supported') return unknown('no network works')
    if (driver.value === 'lxc-user-nic') return supported(true, `a veth: ${what}`)
    if (driver.value === 'host') return supported(true, `the network of the host: ${what}`)
    return unsupported(`the network ${driver.value} leads nowhere`, driver.evidence)
  }
  return {
    'source-address': direct('packets arrive with the address of their sender'),
    udp: direct('it carries every protocol'),
    ipv6: unknown('depends on the bridge; nobody looked'),
    ping: direct('ICMP passes as on any link'),
    'reach-host': direct('the host has an address on it'),
    'name-resolution': unknown('depends on the DNS server of the bridge; nobody asked it'),
  }
}

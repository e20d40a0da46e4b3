import {
  isAtLeastVersion,
  judgeLxcUserNic,
  judgeTool,
  judgeUserModeNetwork,
  knownValue,
  markInUse,
  supported,
  unknown,
  unsupported,
  type DriverUse,
  type Fact,
  type Finding,
  type HostFacts,
  type NetworkDriver,
  type NetworkingCapabilities,
  type PortDriver,
} from '@rootless-runtime/core'
import type { DockerFacts } from './docker-facts.ts'
import { toProperties } from './docker-properties.ts'
import type { RootlessKitFacts } from './rootlesskit-facts.ts'
import type { VpnkitDriver } from './rootlesskit-vpnkit.ts'

const LXC_BRIDGE = 'lxcbr0'
const MANUAL = 'docker run --network'

/** RootlessKit's `--net`, in our words. */
const NETWORKS: ReadonlyMap<string, NetworkDriver> = new Map([
  ['slirp4netns', 'slirp4netns'],
  ['pasta', 'pasta'],
  ['vpnkit', 'vpnkit'],
  ['lxc-user-nic', 'lxc-user-nic'],
  ['gvisor-tap-vsock', 'gvisor-tap-vsock'],
])

/** RootlessKit's `--port-driver`, in our words. */
const PORT_DRIVERS: ReadonlyMap<string, PortDriver> = new Map([
  ['builtin', 'builtin'],
  ['slirp4netns', 'slirp4netns'],
  ['gvisor-tap-vsock', 'gvisor-tap-vsock'],
  ['implicit', 'implicit'],
  ['none', 'none'],
])

export function toNetworking(facts: DockerFacts, host: HostFacts): NetworkingCapabilities {
  const driver = toDriver(facts.rootlessKit)
  const portDriver = toPortDriver(facts.rootlessKit)
  return {
    driver,
    drivers: markInUse(toDrivers(facts, host), driver),
    portDriver,
    mtuBytes: toMtuBytes(facts),
    properties: toProperties(driver, portDriver, host),
  }
}

function toDriver(fact: Fact<RootlessKitFacts>): Finding<NetworkDriver> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  const { networkDriver } = fact.value
  // RootlessKit with --net=host names no driver (1.1.0): dockerd then runs only without a bridge.
  if (networkDriver === null || networkDriver === 'host')
    return unsupported('RootlessKit made no network of its own: containers get a loopback device only', fact.source)
  const driver = NETWORKS.get(networkDriver)
  const evidence = `${fact.source}: network driver ${networkDriver}`
  return driver === undefined ? unknown(`${evidence}, which is not in our vocabulary`) : supported(driver, evidence)
}

function toPortDriver(fact: Fact<RootlessKitFacts>): Finding<PortDriver> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  const { portDriver, arguments: given } = fact.value
  // With pasta the key is missing for `implicit` as for `none` (2.0.2); the arguments tell.
  const name = portDriver ?? given?.portDriver ?? null
  if (name === null) return unknown(`${fact.source} names no port driver, and its arguments could not be read`)
  const driver = PORT_DRIVERS.get(name)
  const evidence = `${portDriver === null ? 'arguments of RootlessKit' : fact.source}: port driver ${name}`
  return driver === undefined ? unknown(`${evidence}, which is not in our vocabulary`) : supported(driver, evidence)
}

function toDrivers(facts: DockerFacts, host: HostFacts): Readonly<Record<NetworkDriver, Finding<DriverUse>>> {
  const { info, rootlessKit, lxcBridgePresent } = facts
  const fromTool = knownValue(host.tools.rootlesskit)
  const kit = knownValue(rootlessKit)?.version ?? (fromTool?.present ? fromTool.version : null)
  return {
    slirp4netns: chosenBy('slirp4netns', judgeUserModeNetwork(host, 'slirp4netns')),
    pasta: chosenBy('pasta', judgePasta(kit, host)),
    'lxc-user-nic': chosenBy('lxc-user-nic', judgeLxcUserNic(host, LXC_BRIDGE, lxcBridgePresent)),
    vpnkit: judgeVpnkit(facts.vpnkitDriver, host),
    'gvisor-tap-vsock': isAtLeastVersion(info.version, 29, 5)
      ? chosenBy('gvisor-tap-vsock', supported('available', `Docker ${info.version}`))
      : unsupported(`Docker ${info.version} does not know it; 29.5 is the first that does`, `Docker ${info.version}`),
    host: unsupported("--network host is RootlessKit's network namespace, not the host's", MANUAL),
    none: supported('available', `${MANUAL} none`),
  }
}

function chosenBy(name: string, finding: Finding<DriverUse>): Finding<DriverUse> {
  if (finding.status !== 'supported') return finding
  return supported('available', finding.evidence, { note: `by DOCKERD_ROOTLESS_ROOTLESSKIT_NET=${name} at its start` })
}

function judgePasta(rootlessKitVersion: string | null, host: HostFacts): Finding<DriverUse> {
  if (rootlessKitVersion === null) return unknown('the version of RootlessKit is not known')
  if (isAtLeastVersion(rootlessKitVersion, 2, 0)) return judgeUserModeNetwork(host, 'pasta')
  return unsupported(
    `RootlessKit ${rootlessKitVersion} does not know it; 2.0 is the first that does`,
    `RootlessKit ${rootlessKitVersion}`,
  )
}

function judgeVpnkit(fact: Fact<VpnkitDriver>, host: HostFacts): Finding<DriverUse> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  if (!fact.value.builtIn)
    return unsupported(`this RootlessKit is built without it: "${fact.value.reason}"`, `${fact.source}: ${fact.value.reason}`)
  return chosenBy('vpnkit', judgeTool(host, 'vpnkit'))
}

function toMtuBytes({ bridgeMtuBytes, rootlessKit }: DockerFacts): Finding<number> {
  if (bridgeMtuBytes.status === 'unknown') return unknown(bridgeMtuBytes.reason)
  const around = knownValue(rootlessKit)?.arguments?.mtuBytes ?? null
  const note = around === null || around === bridgeMtuBytes.value ? {} : { note: `RootlessKit around it has ${around}` }
  return supported(bridgeMtuBytes.value, bridgeMtuBytes.source, note)
}

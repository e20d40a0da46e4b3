import {
  isAtLeastVersion,
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
  type PortDriver,
} from '@rootless-runtime/core'
import type { PodmanFacts } from './podman-facts.ts'
import type { PodmanInfo } from './podman-info.ts'

const MANUAL = 'podman-run(1) --network'

type RootlessNetwork = 'slirp4netns' | 'pasta'

/** `host.rootlessNetworkCmd` of podman info, in our words. */
const NETWORK_COMMANDS: ReadonlyMap<string, RootlessNetwork> = new Map([
  ['slirp4netns', 'slirp4netns'],
  ['pasta', 'pasta'],
])

/** What Podman makes of each network (4.3.1 and 5.4.2, seen): who carries its ports, and the MTU that it asks for. */
const NETWORKS: Readonly<Record<RootlessNetwork, { readonly portDriver: PortDriver; readonly mtuBytes: number }>> = {
  slirp4netns: { portDriver: 'rootlessport', mtuBytes: 65_520 },
  pasta: { portDriver: 'implicit', mtuBytes: 65_520 },
}

export function toNetworking({ info }: PodmanFacts, host: HostFacts): NetworkingCapabilities {
  const each = toDrivers(info, host)
  const driver = toDriver(info, each)
  const noNetwork = unknown('no network works')
  const inUse = driver.status === 'supported' ? driver.value : undefined
  return {
    driver,
    drivers: markInUse<NetworkDriver>(each, driver),
    portDriver: inUse === undefined ? noNetwork : supported(NETWORKS[inUse].portDriver, `Podman's own way with ${inUse}`),
    mtuBytes:
      inUse === undefined
        ? noNetwork
        : supported(NETWORKS[inUse].mtuBytes, `Podman starts ${inUse} with it unless containers.conf says otherwise`, {
            note: 'a network made by podman network create has 1500',
          }),
    properties: inUse === undefined ? toNoProperties() : toProperties(inUse, info, host),
  }
}

function toDrivers(info: PodmanInfo, host: HostFacts): Readonly<Record<NetworkDriver, Finding<DriverUse>>> {
  const { version } = info
  const evidence = `Podman ${version}`
  return {
    slirp4netns: isAtLeastVersion(version, 6, 0)
      ? unsupported('Podman 6.0 removed it', evidence)
      : judgeUserModeNetwork(host, 'slirp4netns'),
    pasta: isAtLeastVersion(version, 4, 4)
      ? judgeUserModeNetwork(host, 'pasta')
      : unsupported(`Podman ${version} does not know it; 4.4 is the first that does`, evidence),
    'lxc-user-nic': unsupported('Podman does not know it', MANUAL),
    vpnkit: unsupported('Podman does not know it', MANUAL),
    'gvisor-tap-vsock': unsupported('Podman uses it for its virtual machines only', MANUAL),
    host: supported('available', `${MANUAL}=host`),
    none: supported('available', `${MANUAL}=none`),
  }
}

function toDriver(info: PodmanInfo, each: Readonly<Record<NetworkDriver, Finding<DriverUse>>>): Finding<RootlessNetwork> {
  const field = 'podman info: host.rootlessNetworkCmd'
  if (info.networkCommand === undefined && isAtLeastVersion(info.version, 5, 0)) return unknown(`${field} is not reported`)
  // Before 5.0 slirp4netns is the default, and podman info has no such field.
  const driver = info.networkCommand === undefined ? 'slirp4netns' : NETWORK_COMMANDS.get(info.networkCommand)
  if (driver === undefined) return unknown(`${field} = ${info.networkCommand}, which is not in our vocabulary`)
  const evidence =
    info.networkCommand === undefined ? `Podman ${info.version}: the default before 5.0` : `${field} = ${info.networkCommand}`
  const works = each[driver]
  return works.status === 'supported' ? supported(driver, `${evidence}; ${works.evidence}`) : works
}

function toNoProperties(): Readonly<Record<NetworkProperty, Finding<true>>> {
  const finding = unknown('no network works')
  return {
    publish: finding,
    'publish-privileged': finding,
    'source-address': finding,
    udp: finding,
    ipv6: finding,
    ping: finding,
    'reach-host': finding,
    'name-resolution': finding,
  }
}

function toProperties(
  driver: RootlessNetwork,
  info: PodmanInfo,
  host: HostFacts,
): Readonly<Record<NetworkProperty, Finding<true>>> {
  const evidence = `Podman ${info.version} with ${driver}`
  return {
    publish: supported(true, evidence),
    'publish-privileged': judgePrivilegedPorts(host),
    'source-address':
      driver === 'pasta'
        ? supported(true, evidence)
        : unsupported('rootlessport replaces it; --network slirp4netns:port_handler=slirp4netns keeps it', evidence),
    udp: supported(true, evidence),
    ipv6: supported(true, driver === 'pasta' ? 'pasta copies the addresses of the host' : 'slirp4netns --enable-ipv6'),
    ping: unsupported('containers get no CAP_NET_RAW; --cap-add NET_RAW lets one ping', evidence),
    'reach-host':
      driver === 'pasta'
        ? supported(true, evidence, { note: 'as host.containers.internal (169.254.1.2), from 5.3 on' })
        : supported(true, evidence, { note: 'by its own address; 127.0.0.1 needs allow_host_loopback=true' }),
    'name-resolution': unsupported('not on the default network; on one made by podman network create', evidence),
  }
}

import {
  judgePing,
  judgePrivilegedPorts,
  supported,
  unknown,
  unsupported,
  type Finding,
  type HostFacts,
  type NetworkDriver,
  type NetworkProperty,
  type PortDriver,
} from '@rootless-runtime/core'

/** What each port driver does with a published port (RootlessKit 1.1.0 and 2.0.2, seen). */
interface PortBehaviour {
  readonly publishNote?: string
  readonly keepsSource: boolean
  readonly listensOnIpv6: boolean
}

const PORT_BEHAVIOURS: ReadonlyMap<PortDriver, PortBehaviour> = new Map([
  ['builtin', { keepsSource: false, listensOnIpv6: true }],
  ['slirp4netns', { keepsSource: true, listensOnIpv6: false }],
  [
    'implicit',
    { keepsSource: true, listensOnIpv6: false, publishNote: 'a port that cannot be bound gives no error: connect to be sure' },
  ],
])

export function toProperties(
  driver: Finding<NetworkDriver>,
  portDriver: Finding<PortDriver>,
  host: HostFacts,
): Readonly<Record<NetworkProperty, Finding<true>>> {
  const ports = toPortProperties(portDriver, host)
  const manual = 'docker network create'
  return {
    ...ports,
    ping: toPing(driver, host),
    'reach-host':
      driver.status === 'supported'
        ? supported(true, driver.evidence, { note: 'by its own address; its 127.0.0.1 is closed to containers' })
        : unknown('the network is not known'),
    'name-resolution': unsupported(`not on the default bridge; on one made by ${manual}`, manual),
  }
}

type PortProperty = 'publish' | 'publish-privileged' | 'source-address' | 'udp' | 'ipv6'

function toPortProperties(portDriver: Finding<PortDriver>, host: HostFacts): Readonly<Record<PortProperty, Finding<true>>> {
  if (portDriver.status !== 'supported') return everyPortProperty(unknown('the port driver is not known'))
  const { value: name, evidence } = portDriver
  if (name === 'none') return everyPortProperty(unsupported('no port driver: publishing a port fails', evidence))
  const behaviour = PORT_BEHAVIOURS.get(name)
  if (behaviour === undefined) return everyPortProperty(unknown(`nobody has looked at the port driver ${name}`))
  return {
    publish: supported(true, evidence, behaviour.publishNote === undefined ? {} : { note: behaviour.publishNote }),
    'publish-privileged': judgePrivilegedPorts(host),
    'source-address': behaviour.keepsSource
      ? supported(true, evidence)
      : unsupported(`the port driver ${name} replaces it; slirp4netns keeps it`, evidence),
    udp: supported(true, evidence),
    ipv6: behaviour.listensOnIpv6
      ? supported(true, evidence, { note: 'published ports; containers have no IPv6 address unless the network has' })
      : unsupported(`the port driver ${name} listens on IPv4 only`, evidence),
  }
}

function everyPortProperty(finding: Finding<true>): Readonly<Record<PortProperty, Finding<true>>> {
  return { publish: finding, 'publish-privileged': finding, 'source-address': finding, udp: finding, ipv6: finding }
}

function toPing(driver: Finding<NetworkDriver>, host: HostFacts): Finding<true> {
  if (driver.status !== 'supported') return unknown('the network is not known')
  // A veth carries ICMP as it is; a user-mode network sends it on as this user.
  return driver.value === 'lxc-user-nic' ? supported(true, driver.evidence) : judgePing(host)
}

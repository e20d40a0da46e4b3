import { printable, RootlessError, type Machine, type PublishedPort } from '@rootless-runtime/core'
import type { PortRelay } from './lxc-parts.ts'

/**
 * Why a port was not published. Neither slirp4netns nor pasta says it: both have one word for a port that is taken, one that needs
 * root, and an address that is not this host's.
 */
export async function toPortError(machine: Machine, port: PublishedPort, said: string): Promise<RootlessError> {
  const { protocol, address, host } = port
  const shown = `${protocol} port ${host} at ${printable(address)}`
  const evidence = printable(said)
  const least = await readLeastPort(machine)
  if (host < least)
    return new RootlessError('PORT_FORBIDDEN', `${shown} is below ${least}, where an ordinary user may not listen`, {
      engine: 'lxc',
      evidence,
    })
  const free = await machine.findFreePort(protocol, address)
  if (free.status !== 'ok')
    return new RootlessError('INVALID_ARGUMENT', `${shown} cannot be published: ${free.reason}`, { engine: 'lxc', evidence })
  return new RootlessError('PORT_IN_USE', `${shown} is in use on this host`, { engine: 'lxc', evidence })
}

async function readLeastPort(machine: Machine): Promise<number> {
  const answer = await machine.readText('/proc/sys/net/ipv4/ip_unprivileged_port_start')
  const least = answer.status === 'ok' ? Number.parseInt(answer.value, 10) : Number.NaN
  return Number.isInteger(least) ? least : 1024
}

/** slirp4netns answers no datagram whose sender is on the loopback of this host, which it keeps closed. */
export function needsRelay({ protocol, address }: PublishedPort): boolean {
  return protocol === 'udp' && (address === '0.0.0.0' || address.startsWith('127.'))
}

/** Seen with pasta 2023_03_09: the datagram comes in, its answer never out. */
export function isLoopbackDatagram(port: PublishedPort): boolean {
  return needsRelay(port) || (port.protocol === 'udp' && (port.address === '::1' || port.address === '::'))
}

/** What slirp4netns is to publish, and what has to be carried to it from elsewhere. */
export interface RelayPlan {
  readonly direct: readonly PublishedPort[]
  readonly relays: readonly PortRelay[]
}

/** @throws RootlessError `NOT_SUPPORTED` on a host that has only its loopback, `HOST_REFUSED` */
export async function planRelays(
  machine: Machine,
  ports: readonly PublishedPort[],
  sourceAddress: string | undefined,
): Promise<RelayPlan> {
  const direct = ports.filter((port) => !needsRelay(port))
  const relays: PortRelay[] = []
  for (const { address, host, container } of ports.filter(needsRelay)) {
    if (sourceAddress === undefined)
      throw new RootlessError('NOT_SUPPORTED', 'UDP cannot be published: this host has no address beside its loopback', {
        engine: 'lxc',
      })
    const free = await machine.findFreePort('udp', '127.0.0.1')
    if (free.status !== 'ok') throw new RootlessError('HOST_REFUSED', free.reason, { engine: 'lxc' })
    direct.push({ protocol: 'udp', address: '127.0.0.1', host: free.value, container })
    relays.push({
      protocol: 'udp',
      address,
      port: host,
      targetAddress: '127.0.0.1',
      targetPort: free.value,
      sourceAddress,
    })
  }
  return { direct, relays }
}

import { printable, RootlessError, type Machine, type PublishedPort } from '@rootless-runtime/core'

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

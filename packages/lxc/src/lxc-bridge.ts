import { posix } from 'node:path'
import { RootlessError, type Machine, type PublishedPort } from '@rootless-runtime/core'
import * as z from 'zod'
import { checkEnd } from './lxc-errors.ts'
import { readInterface } from './lxc-host-address.ts'
import { runProgram, type FileDoor } from './lxc-mapped.ts'
import type { PortRelay } from './lxc-parts.ts'

/** Where a container is on the host's bridge, when that is its way out. */
export const bridgePlace = z.object({ address: z.string(), gateway: z.string(), prefixLength: z.number().int() })
export type BridgePlace = z.infer<typeof bridgePlace>

/** The bridge's own address and subnet. @throws RootlessError `NOT_SUPPORTED`, `HOST_REFUSED` */
export async function readBridge(
  machine: Machine,
  bridge: string,
  timeoutMs: number,
): Promise<Pick<BridgePlace, 'gateway' | 'prefixLength'>> {
  const [own] = await readInterface(machine, bridge, timeoutMs)
  if (own !== undefined && own.prefixLength <= 30) return { gateway: own.address, prefixLength: own.prefixLength }
  throw new RootlessError('NOT_SUPPORTED', `the bridge ${bridge} has no IPv4 address with a subnet: it leads nowhere`, {
    engine: 'lxc',
  })
}

/** Addresses that lxc-net's dnsmasq has given to containers of others. */
export async function readLeases(machine: Machine, bridge: string): Promise<ReadonlySet<string>> {
  const text = await machine.readText(posix.join('/var/lib/misc', `dnsmasq.${bridge}.leases`))
  const lines = text.status === 'ok' ? text.value.split('\n') : []
  return new Set(lines.map((line) => line.split(' ')[2] ?? ''))
}

/** A random address of the subnet that is neither its first, its last nor the bridge's. */
export function toRandomPlace(gateway: string, prefixLength: number, random: number): string {
  const size = 2 ** (32 - prefixLength)
  const own = toNumber(gateway)
  const first = own - (own % size)
  const offset = 1 + (random % (size - 2))
  const address = first + offset === own ? first + (offset === size - 2 ? 1 : offset + 1) : first + offset
  return toAddress(address)
}

function toNumber(address: string): number {
  return address.split('.').reduce((total, part) => total * 256 + Number(part), 0)
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/**
 * Lines of `ip -batch`: the bridge leads out and to this host, and to nobody else who is on it, whatever network they are on.
 */
export function toBridgeRoutes({ address, gateway, prefixLength }: BridgePlace): string {
  const size = 2 ** (32 - prefixLength)
  const own = toNumber(gateway)
  return [
    'link set dev eth0 addrgenmode none',
    'address flush dev eth0 scope link',
    `route replace unreachable ${toAddress(own - (own % size))}/${prefixLength}`,
    `route replace ${gateway}/32 dev eth0 src ${address}`,
    `route replace default via ${gateway} dev eth0 src ${address}`,
    '',
  ].join('\n')
}

/** Gives a network namespace that way out. */
export async function enterBridge({ machine }: FileDoor, place: BridgePlace, pid: number): Promise<void> {
  const end = await runProgram(machine, {
    file: 'nsenter',
    arguments: ['-t', String(pid), '--user', '--net', '-S', '0', '-G', '0', '--', 'ip', '-force', '-batch', '-'],
    input: toBridgeRoutes(place),
  })
  checkEnd(end, 'lead a container out by the bridge')
}

/** Nothing but the supervisor carries a port to a bridge that only root may change. */
export function toBridgeRelays(ports: readonly PublishedPort[], targetAddress: string): readonly PortRelay[] {
  return ports.map(({ protocol, address, host, container }) => ({
    protocol,
    address,
    port: host,
    targetAddress,
    targetPort: container,
    sourceAddress: null,
  }))
}

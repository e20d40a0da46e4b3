import { RootlessError } from '../errors.ts'
import type { EngineName } from '../engine.ts'
import type { Machine, PortProtocol } from '../system.ts'
import { checkWhole, invalid } from './check-words.ts'
import type { PublishedPort } from './container-state.ts'
import type { PortOptions } from './options.ts'

/** One port of a caller, with its protocol and address; a host port that is 0 is to be chosen. */
export interface AskedPort extends PublishedPort {
  readonly chosen: boolean
}

const MOST_PORTS = 1000

/** The ports of a caller one by one. @throws RootlessError `INVALID_ARGUMENT` */
export function checkPorts(ports: readonly PortOptions[] = [], network: string): readonly AskedPort[] {
  if (ports.length > 0 && (network === 'none' || network === 'host')) {
    throw invalid('ports', ports.length, `the network "${network}" publishes none`)
  }
  const asked = ports.flatMap((port) => {
    const count = checkWhole('ports.count', port.count ?? 1, [1, MOST_PORTS])
    const container = checkWhole('ports.container', port.container, [1, 65_536 - count])
    const host = port.host === undefined ? 0 : checkWhole('ports.host', port.host, [1, 65_536 - count])
    const protocol = checkProtocol(port.protocol ?? 'tcp')
    const address = checkAddress(port.address ?? '127.0.0.1')
    return Array.from({ length: count }, (_, index): AskedPort => ({
      container: container + index,
      host: host === 0 ? 0 : host + index,
      protocol,
      address,
      chosen: host === 0,
    }))
  })
  if (asked.length > MOST_PORTS) throw invalid('ports', asked.length, `a container publishes at most ${MOST_PORTS}`)
  const taken = new Set<string>()
  for (const { host, protocol, address, chosen } of asked) {
    const key = `${address} ${protocol} ${host}`
    if (!chosen && taken.has(key)) throw invalid('ports.host', host, 'it is published twice')
    taken.add(key)
  }
  return asked
}

function checkProtocol(protocol: PortProtocol): PortProtocol {
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalid('ports.protocol', protocol, 'it is "tcp" or "udp"')
  return protocol
}

function checkAddress(address: string): string {
  const v4 = /^(?:\d{1,3}\.){3}\d{1,3}$/u.test(address) && address.split('.').every((part) => Number(part) <= 255)
  const v6 = address.includes(':') && /^[0-9a-fA-F:.]{2,45}$/u.test(address)
  if (!v4 && !v6) throw invalid('ports.address', address, 'it is a numeric address of this host')
  return address
}

/**
 * Chooses free ports where none was given, and sees that the given ones are free and allowed: an engine may say nothing of it
 * and publish a dead port (RootlessKit's implicit port driver, pasta).
 *
 * @throws RootlessError `PORT_IN_USE`, `PORT_FORBIDDEN`
 */
export async function resolvePorts(
  asked: readonly AskedPort[],
  { machine, engine }: { readonly machine: Machine; readonly engine: EngineName },
): Promise<readonly PublishedPort[]> {
  if (asked.length === 0) return []
  const listening = await readListening(machine)
  const least = await readLeastPort(machine)
  const resolved: PublishedPort[] = []
  for (const { chosen, ...port } of asked) {
    const host = chosen ? await chooseFree(machine, port, resolved) : port.host
    if (!chosen && port.host < least) throw toForbidden(engine, port, least)
    if (!chosen && isTaken(listening, port)) throw toInUse(engine, port)
    resolved.push({ ...port, host })
  }
  return resolved
}

async function chooseFree(machine: Machine, port: PublishedPort, others: readonly PublishedPort[]): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await machine.findFreePort(port.protocol, port.address)
    if (answer.status !== 'ok') throw invalid('ports.address', port.address, answer.reason)
    if (!others.some(({ host, protocol }) => host === answer.value && protocol === port.protocol)) return answer.value
  }
  throw new RootlessError('PORT_IN_USE', `no free ${port.protocol} port was found at ${port.address}`)
}

/** ip_unprivileged_port_start of ip-sysctl(7); 1024 when it cannot be read. */
async function readLeastPort(machine: Machine): Promise<number> {
  const answer = await machine.readText('/proc/sys/net/ipv4/ip_unprivileged_port_start')
  const least = answer.status === 'ok' ? Number.parseInt(answer.value, 10) : Number.NaN
  return Number.isInteger(least) ? least : 1024
}

function toForbidden(engine: EngineName, port: PublishedPort, least: number): RootlessError {
  return new RootlessError(
    'PORT_FORBIDDEN',
    `port ${port.host} is below ${least}, where an ordinary user may not listen; choose a larger one`,
    {
      engine,
      evidence: `net.ipv4.ip_unprivileged_port_start = ${least}`,
      fix: {
        summary: `let ordinary users listen from port ${port.host} on`,
        commands: [['sysctl', '-w', `net.ipv4.ip_unprivileged_port_start=${port.host}`]],
        needsRoot: true,
        undo: `sysctl -w net.ipv4.ip_unprivileged_port_start=${least}`,
        check: ['sysctl', 'net.ipv4.ip_unprivileged_port_start'],
      },
    },
  )
}

function toInUse(engine: EngineName, port: PublishedPort): RootlessError {
  return new RootlessError('PORT_IN_USE', `${port.protocol} port ${port.host} at ${port.address} is in use on this host`, {
    engine,
  })
}

/** A socket that somebody listens on, as /proc/net shows it. */
export interface ListeningSocket {
  readonly protocol: PortProtocol
  readonly port: number
  /** Hexadecimal, as the kernel prints it; zeros only for every address. */
  readonly address: string
}

/** The listening sockets of this process's network namespace, proc(5). */
export async function readListening(machine: Machine, folder = '/proc/net'): Promise<readonly ListeningSocket[]> {
  const files = ['tcp', 'tcp6', 'udp', 'udp6'] as const
  const texts = await Promise.all(files.map((file) => machine.readText(`${folder}/${file}`, { maximumBytes: 16 * 1024 * 1024 })))
  return texts.flatMap((answer, index) => {
    const protocol = index < 2 ? 'tcp' : 'udp'
    return answer.status === 'ok' ? parseListening(answer.value, protocol) : []
  })
}

/** Lines as `0: 0100007F:1F90 00000000:0000 0A ...`; a UDP socket that waits for anybody has the state 07. */
export function parseListening(text: string, protocol: PortProtocol): readonly ListeningSocket[] {
  const state = protocol === 'tcp' ? '0A' : '07'
  return text.split('\n').flatMap((line) => {
    const [, local = '', , found] = line.trim().split(/\s+/u)
    const [address = '', port = ''] = local.split(':')
    return found === state ? [{ protocol, address, port: Number.parseInt(port, 16) }] : []
  })
}

/** Whether somebody listens on a port where a container is to be published. */
export function isTaken(listening: readonly ListeningSocket[], port: PublishedPort): boolean {
  const everywhere = port.address === '0.0.0.0' || port.address === '::'
  return listening.some(
    (socket) =>
      socket.protocol === port.protocol &&
      socket.port === port.host &&
      (everywhere || /^0+$/u.test(socket.address) || isSameAddress(socket.address, port.address)),
  )
}

function isSameAddress(kernel: string, address: string): boolean {
  // An IPv6 address has many spellings and the kernel another: any listener there counts.
  return address.includes(':') ? kernel.length === 32 : kernel === toHexadecimal(address)
}

// The kernel prints an IPv4 address as the number that it is in memory: 127.0.0.1 is 0100007F on a little-endian machine.
function toHexadecimal(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase())
  return bytes.toReversed().join('')
}

import { RootlessError } from '@rootless-runtime/core'
import type { InspectedContainer } from './podman-state.ts'

/** What is asked of the machine. */
export interface HostAddressParts {
  /** An address of this machine that is no loopback. */
  readonly ownAddress: () => Promise<string>
  readonly readHosts: (path: string) => Promise<string>
}

/** Podman writes it in the container's /etc/hosts from 4.0 on: pasta's 169.254.1.2 or the host's own. */
const NAME = 'host.containers.internal'

/** An address at which the container reaches what listens on every address of this machine. */
export async function readHostAddress(parts: HostAddressParts, container: InspectedContainer): Promise<string> {
  const { networkMode, hostsPath, state } = container
  if (networkMode === 'host') return '127.0.0.1'
  if (networkMode === 'none')
    throw new RootlessError('NOT_SUPPORTED', `${state.name} has no network, and so no way to this machine`, { engine: 'podman' })
  const hosts = hostsPath === null ? '' : await parts.readHosts(hostsPath)
  return parseHosts(hosts) ?? (await parts.ownAddress())
}

/** The address of the host in hosts(5); `undefined` when it is not there. */
export function parseHosts(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/u, '').trim().split(/\s+/u)
    if (address !== undefined && names.includes(NAME)) return address
  }
  return undefined
}

/** The address of the interface of the default route: /proc/net/route and /proc/net/fib_trie, proc(5). */
export function parseOwnAddress(route: string, fibTrie: string): string | undefined {
  const own = parseLocalAddresses(fibTrie)
  const networks = route
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .flatMap(([name, destination, , , , , , mask]) =>
      name === undefined || destination === undefined || mask === undefined
        ? []
        : [{ name, destination: toNumber(destination), mask: toNumber(mask) }],
    )
  const way = networks.find(({ destination }) => destination === 0)?.name
  const direct = networks.filter(({ name, mask }) => name === way && mask !== 0)
  return (
    own.find((address) => direct.some(({ destination, mask }) => (addressNumber(address) & mask) >>> 0 === destination)) ?? own[0]
  )
}

/** Addresses of this machine but those of the loopback. */
function parseLocalAddresses(fibTrie: string): readonly string[] {
  const found = new Set<string>()
  let leaf = ''
  for (const line of fibTrie.split('\n')) {
    leaf = /\|-- (\d+\.\d+\.\d+\.\d+)$/u.exec(line)?.[1] ?? leaf
    if (line.endsWith('/32 host LOCAL') && !leaf.startsWith('127.')) found.add(leaf)
  }
  return [...found]
}

/** The kernel prints the address as one number of this machine's byte order, which is little endian wherever Podman runs but on s390x. */
function toNumber(hexadecimal: string): number {
  const bytes = hexadecimal.match(/../gu)?.toReversed() ?? []
  return Number.parseInt(bytes.join(''), 16)
}

function addressNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum * 256 + Number(part)) >>> 0, 0)
}

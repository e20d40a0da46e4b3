/** What a container finds in /etc of where it is, as Docker gives it. */
export interface NetworkFiles {
  readonly hosts: string
  readonly hostname: string
  readonly resolv: string
}

/** One line of hosts(5). */
export interface HostEntry {
  readonly address: string
  readonly names: readonly string[]
}

const LOOPBACK: readonly HostEntry[] = [
  { address: '127.0.0.1', names: ['localhost'] },
  { address: '::1', names: ['localhost', 'ip6-localhost', 'ip6-loopback'] },
]

export function toHostsFile(entries: readonly HostEntry[]): string {
  return [...LOOPBACK, ...entries].map(({ address, names }) => `${address}\t${[...new Set(names)].join(' ')}\n`).join('')
}

/** Its name servers that are elsewhere: one of the host's loopback is not that of a container. */
export function toReachableServers(host: string): readonly string[] {
  const servers = host.split('\n').flatMap((line) => /^nameserver\s+(\S+)/u.exec(line)?.[1] ?? [])
  return servers.filter((address) => !address.startsWith('127.') && address !== '::1')
}

/** The host's resolv.conf(5) with other name servers: what it searches and how stays. */
export function toResolverFile(host: string, nameServers: readonly string[]): string {
  const kept = host.split('\n').filter((line) => /^(?:search|domain|options|sortlist)\s/u.test(line))
  return [...kept, ...nameServers.map((address) => `nameserver ${address}`), ''].join('\n')
}

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

/** The host's resolv.conf(5) with other name servers: what it searches and how stays. */
export function toResolverFile(host: string, nameServers: readonly string[]): string {
  const kept = host.split('\n').filter((line) => /^(?:search|domain|options|sortlist)\s/u.test(line))
  return [...kept, ...nameServers.map((address) => `nameserver ${address}`), ''].join('\n')
}

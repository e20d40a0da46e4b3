import { RootlessError, type Fact } from '@rootless-runtime/core'
import type { InspectedContainer } from './podman-state.ts'

/** What is asked of the machine. */
export interface HostAddressParts {
  /** An address of this machine that is no loopback. */
  readonly ownAddress: () => Promise<Fact<string>>
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
  const told = parseHosts(hosts)
  if (told !== undefined) return told
  const own = await parts.ownAddress()
  if (own.status === 'known') return own.value
  throw new RootlessError('NOT_SUPPORTED', `no container reaches this machine: ${own.reason}`, { engine: 'podman' })
}

/** The address of the host in hosts(5); `undefined` when it is not there. */
export function parseHosts(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/u, '').trim().split(/\s+/u)
    if (address !== undefined && names.includes(NAME)) return address
  }
  return undefined
}

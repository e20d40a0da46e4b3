import { isIP } from 'node:net'
import type { PortOptions, PortProtocol } from 'rootless-runtime'
import { invalidOption } from './invalid-option.ts'

const FORMS =
  'ports are published as 80, 8080:80, 127.0.0.1:8080:80, 127.0.0.1::80, [::1]:8080:80 or 8000-8003:9000-9003, with /tcp or /udp'

interface PortRange {
  readonly first: number
  readonly count: number
}

/** What `-p` takes, in Docker's forms. Without an address it is 127.0.0.1, not every address as with Docker. */
export function parsePort(text: string): PortOptions {
  const { rest, protocol } = splitProtocol(text)
  const { address, ports } = splitAddress(text, rest)
  const [containerText, hostText, ...more] = ports.split(':').toReversed()
  if (containerText === undefined || more.length > 0) throw invalidOption('-p', text, FORMS)
  const container = parseRange(text, containerText)
  const host = hostText === undefined || hostText === '' || hostText === '0' ? undefined : parseRange(text, hostText)
  // An empty host port is Docker's word for "any" only behind an address.
  if (hostText === '' && address === undefined) throw invalidOption('-p', text, FORMS)
  if (host !== undefined && host.count !== container.count) throw invalidOption('-p', text, 'both ranges must have as many ports')
  return {
    container: container.first,
    ...(host && { host: host.first }),
    ...(container.count > 1 && { count: container.count }),
    ...(protocol && { protocol }),
    ...(address !== undefined && { address }),
  }
}

function splitProtocol(text: string): { readonly rest: string; readonly protocol?: PortProtocol } {
  const slash = text.lastIndexOf('/')
  if (slash === -1) return { rest: text }
  const protocol = text.slice(slash + 1)
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalidOption('-p', text, 'the protocol is tcp or udp')
  return { rest: text.slice(0, slash), protocol }
}

function splitAddress(text: string, rest: string): { readonly address?: string; readonly ports: string } {
  const bracketed = /^\[([^\]]*)\]:(.*)$/su.exec(rest)
  const [, address = '', ports = ''] = bracketed ?? /^([^:]*):([^:]*:[^:]*)$/su.exec(rest) ?? []
  if (bracketed === null && address === '' && ports === '') return { ports: rest }
  if (isIP(address) !== (bracketed === null ? 4 : 6)) throw invalidOption('-p', text, FORMS)
  return { address, ports }
}

/** `80` or `80-82`. Which numbers are ports is decided where containers are made, for every caller alike. */
function parseRange(text: string, range: string): PortRange {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/u.exec(range)
  if (match?.[1] === undefined) throw invalidOption('-p', text, FORMS)
  const first = Number(match[1])
  const last = match[2] === undefined ? first : Number(match[2])
  if (last < first) throw invalidOption('-p', text, `${first} to ${last} is no range`)
  return { first, count: last - first + 1 }
}

import { known, unknownFact, type Fact } from '../fact.ts'
import type { System } from '../system.ts'

const ROUTE = '/proc/net/route'
const FIB_TRIE = '/proc/net/fib_trie'

/** An IPv4 address of this machine that others can reach: the one on the way out, else any that is no loopback. */
export async function readOwnAddress(system: Pick<System, 'readText'>): Promise<Fact<string>> {
  const [route, fibTrie] = await Promise.all([system.readText(ROUTE), system.readText(FIB_TRIE)])
  if (fibTrie.status !== 'ok') return unknownFact(fibTrie.reason, FIB_TRIE)
  const address = parseOwnAddress(route.status === 'ok' ? route.value : '', fibTrie.value)
  return address === null ? unknownFact('this machine has no address but its loopback', FIB_TRIE) : known(address, FIB_TRIE)
}

interface Route {
  readonly name: string
  readonly destination: number
  readonly mask: number
}

/** Of /proc/net/route and /proc/net/fib_trie, proc(5). */
export function parseOwnAddress(route: string, fibTrie: string): string | null {
  const own = parseLocalAddresses(fibTrie)
  const routes = route.split('\n').slice(1).flatMap(parseRoute)
  const wayOut = routes.find(({ destination, mask }) => destination === 0 && mask === 0)?.name
  const direct = routes.filter(({ name, mask }) => name === wayOut && mask !== 0)
  const isDirect = (address: string): boolean =>
    direct.some(({ destination, mask }) => (toNumber(address) & mask) >>> 0 === destination)
  return own.find(isDirect) ?? own[0] ?? null
}

function parseLocalAddresses(fibTrie: string): readonly string[] {
  const found = new Set<string>()
  let leaf = ''
  for (const line of fibTrie.split('\n')) {
    leaf = /\|-- (\d+\.\d+\.\d+\.\d+)$/u.exec(line)?.[1] ?? leaf
    if (line.trim() === '/32 host LOCAL' && !leaf.startsWith('127.')) found.add(leaf)
  }
  return [...found]
}

function parseRoute(line: string): readonly Route[] {
  const [name, destination, , , , , , mask] = line.trim().split(/\s+/u)
  if (name === undefined || destination === undefined || mask === undefined) return []
  return [{ name, destination: fromHexadecimal(destination), mask: fromHexadecimal(mask) }]
}

// The kernel prints the bytes of an address as one number in the order of this machine, which is little endian but on s390x.
function fromHexadecimal(text: string): number {
  return Number.parseInt(text.match(/../gu)?.toReversed().join('') ?? '', 16)
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => (sum * 256 + Number(part)) >>> 0, 0)
}

import { RootlessError, type Machine } from '@rootless-runtime/core'
import * as z from 'zod'

const addresses = z.array(
  z.object({
    ifname: z.string(),
    addr_info: z.array(z.object({ local: z.string(), scope: z.string(), prefixlen: z.number().int() })).nullish(),
  }),
)
const routes = z.array(z.object({ dev: z.string().nullish() }))

/** The IPv4 addresses of this host that others reach it by, that of its way out first. @throws RootlessError `HOST_REFUSED` */
export async function readHostAddresses(machine: Machine, timeoutMs: number): Promise<readonly string[]> {
  const [links, ways] = await Promise.all([
    ask(machine, ['-j', '-4', 'address', 'show', 'up', 'scope', 'global'], addresses, timeoutMs),
    ask(machine, ['-j', '-4', 'route', 'show', 'default'], routes, timeoutMs),
  ])
  const wayOut = ways[0]?.dev
  const sorted = links.toSorted((one, other) => Number(other.ifname === wayOut) - Number(one.ifname === wayOut))
  return sorted.flatMap(({ addr_info: own }) => (own ?? []).map(({ local }) => local))
}

/** The IPv4 addresses of one interface. @throws RootlessError `HOST_REFUSED` when there is none of that name */
export async function readInterface(
  machine: Machine,
  name: string,
  timeoutMs: number,
): Promise<readonly { readonly address: string; readonly prefixLength: number }[]> {
  const links = await ask(machine, ['-j', '-4', 'address', 'show', 'dev', name, 'scope', 'global'], addresses, timeoutMs)
  return links.flatMap(({ addr_info: own }) =>
    (own ?? []).map(({ local, prefixlen }) => ({ address: local, prefixLength: prefixlen })),
  )
}

/** `ip -j` of iproute2, which LXC needs too. */
async function ask<Value>(
  machine: Machine,
  words: readonly string[],
  schema: z.ZodType<Value>,
  timeoutMs: number,
): Promise<Value> {
  const answer = await machine.run({ file: 'ip', arguments: words, timeoutMs })
  if (answer.status !== 'exited' || answer.exitCode !== 0) {
    const reason = answer.status === 'exited' ? answer.stderr : answer.reason
    throw new RootlessError('HOST_REFUSED', `ip ${words.join(' ')}: ${reason}`, { engine: 'lxc' })
  }
  try {
    // An empty list is no text at all (iproute2 6.1).
    return schema.parse(JSON.parse(answer.stdout.trim() || '[]'))
  } catch (cause) {
    throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `ip ${words.join(' ')} printed no list`, { engine: 'lxc', cause })
  }
}

import { posix } from 'node:path'
import { RootlessError, type Machine } from '@rootless-runtime/core'
import * as z from 'zod'
import { checkEnd } from './lxc-errors.ts'
import { listNames } from './lxc-image-store.ts'
import { runMapped, runProgram, withOwnIds, type FileDoor } from './lxc-mapped.ts'
import { toMountPaths } from './lxc-mounts.ts'
import { toHostsFile } from './lxc-network-files.ts'
import type { NetworkRequest } from './lxc-parts.ts'
import { toHostname } from './lxc-record.ts'
import type { FileStore } from './lxc-store.ts'

const memberFile = z.object({ network: z.string(), containerId: z.string(), names: z.array(z.string()) })

/** A container on a network with a name. */
export interface Member extends z.infer<typeof memberFile> {
  readonly address: string
}

/**
 * Who is on a network. All of them share one bridge, whatever their network: each has a route to every other of its own network and to
 * nobody else, and no container of ours may change routes.
 */
export interface Members {
  /** Gives the container's address. */
  join(request: NetworkRequest): Promise<string>
  /** An address that no other container of ours has, of those that are proposed. */
  take(request: NetworkRequest, propose: () => string | null): Promise<string>
  /** Its namespaces are there: everyone of the network learns its name and the way to it. */
  enter(request: NetworkRequest, pid: number): Promise<void>
  leave(request: NetworkRequest): Promise<void>
}

/** Addresses are ours to choose: nobody but the routes of members leads to them. Podman takes the same range for such networks. */
const PREFIX = '10.89'
const MAXIMUM_TRIES = 100

export function createMembers(door: FileDoor, store: FileStore): Members {
  const { machine } = door
  return {
    join: async ({ id, name, hostname, network }) => {
      await machine.files.makeDirectory(toFolder(store))
      const content = JSON.stringify({ network, containerId: id, names: [name, hostname ?? toHostname(id)] })
      return await takeAddress(machine, store, { network, content, propose: toRandomAddress })
    },
    take: async ({ id, network }, propose) => {
      await machine.files.makeDirectory(toFolder(store))
      const content = JSON.stringify({ network: NO_NETWORK, containerId: id, names: [] })
      return await takeAddress(machine, store, { network, content, propose })
    },
    enter: async ({ network, containerFolder }, pid) => {
      await machine.files.write(posix.join(containerFolder, PID_FILE), `${pid} ${(await readStart(machine, pid)) ?? ''}`)
      await tellEveryone(door, store, { network, gone: null })
    },
    leave: async ({ id, network }) => {
      const isOwn = ({ containerId }: Member): boolean => containerId === id
      for (const { address } of (await listMembers(machine, store, NO_NETWORK)).filter(isOwn))
        await machine.files.remove(posix.join(toFolder(store), address))
      const own = (await listMembers(machine, store, network)).find(isOwn)
      if (own === undefined) return
      await machine.files.remove(posix.join(toFolder(store), own.address))
      await tellEveryone(door, store, { network, gone: own.address })
    },
  }
}

/** The name of no network: whoever has an address on the bridge alone. */
const NO_NETWORK = ''

interface Wanted {
  readonly network: string
  readonly content: string
  readonly propose: () => string | null
}

async function takeAddress(machine: Machine, store: FileStore, { network, content, propose }: Wanted): Promise<string> {
  for (let tries = 0; tries < MAXIMUM_TRIES; tries += 1) {
    const address = propose()
    if (address !== null && (await machine.files.writeNew(posix.join(toFolder(store), address), content))) return address
  }
  throw new RootlessError('HOST_REFUSED', `no free address was found on the network ${network}`, { engine: 'lxc' })
}

function toFolder(store: FileStore): string {
  return posix.join(store.networksFolder, 'addresses')
}

function toRandomAddress(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint8Array(2))
  return `${PREFIX}.${high}.${1 + (low % 254)}`
}

/** Those whose folder is gone were left by a process that died. */
export async function listMembers(machine: Machine, store: FileStore, network: string): Promise<readonly Member[]> {
  const addresses = await listNames(machine, toFolder(store))
  const members = await Promise.all(addresses.map((address) => readMember(machine, store, address)))
  return members.filter((member) => member !== null).filter((member) => member.network === network)
}

async function readMember(machine: Machine, store: FileStore, address: string): Promise<Member | null> {
  const text = await machine.readText(posix.join(toFolder(store), address))
  const member = text.status === 'ok' ? parseMember(text.value) : null
  if (member === null) return null
  const folder = await machine.status(store.containerFolder(member.containerId))
  return folder.status === 'absent' ? null : { ...member, address }
}

/** `null` for one that is being written. */
function parseMember(text: string): z.infer<typeof memberFile> | null {
  try {
    return memberFile.parse(JSON.parse(text))
  } catch {
    return null
  }
}

interface News {
  readonly network: string
  /** An address to which no way leads from now on. */
  readonly gone: string | null
}

/** Says it again when somebody came or went meanwhile: who says it last has seen all. */
async function tellEveryone(door: FileDoor, store: FileStore, news: News): Promise<void> {
  for (let tries = 0; tries < MAXIMUM_TRIES; tries += 1) {
    const members = await listMembers(door.machine, store, news.network)
    await writeHosts(door, store, members)
    await Promise.all(members.map((member) => writeRoutes(door, store, { member, members, news })))
    const now = await listMembers(door.machine, store, news.network)
    if (now.map(({ address }) => address).join() === members.map(({ address }) => address).join()) return
  }
}

// The file stays the same one: it is mounted in the containers.
const WRITE_ALL = 'content=$1 && shift && for file do if [ -e "$file" ]; then printf %s "$content" >"$file" || exit 1; fi; done'

async function writeHosts(door: FileDoor, store: FileStore, members: readonly Member[]): Promise<void> {
  if (members.length === 0) return
  const hosts = toHostsFile(members.map(({ address, names }) => ({ address, names })))
  const files = members.map(({ containerId }) => toMountPaths(store.containerFolder(containerId)).hosts)
  const maps = withOwnIds(await door.idMaps(), door.machine.user)
  checkEnd(await runMapped(door.machine, maps, ['sh', '-c', WRITE_ALL, 'sh', hosts, ...files]), 'write the names of a network')
}

const PID_FILE = 'network.pid'

async function writeRoutes(
  { machine }: FileDoor,
  store: FileStore,
  { member, members, news }: { readonly member: Member; readonly members: readonly Member[]; readonly news: News },
): Promise<void> {
  const pid = await readRunning(machine, store.containerFolder(member.containerId))
  if (pid === null) return
  const end = await runProgram(machine, {
    file: 'nsenter',
    arguments: ['-t', String(pid), '--user', '--net', '-S', '0', '-G', '0', '--', 'ip', '-force', '-batch', '-'],
    input: toRouteCommands(member, members, news.gone),
  })
  // Its end may come between.
  if (end.exitCode !== 0 && (await readRunning(machine, store.containerFolder(member.containerId))) === pid)
    checkEnd(end, `lead ${member.names[0] ?? 'a container'} to the others of its network`)
}

/** By such an address everyone on the bridge would reach everyone, whatever network they are on. */
const NO_LINK_LOCAL = ['link set dev eth0 addrgenmode none\n', 'address flush dev eth0 scope link\n']

/** Who has no route of its own is not there; without this, what is sent to it would look for a way out of the host. */
const NOBODY_ELSE = `route replace unreachable ${PREFIX}.0.0/16\n`

/** Lines of `ip -batch`. */
export function toRouteCommands(
  member: Pick<Member, 'address'>,
  members: readonly Pick<Member, 'address'>[],
  gone: string | null,
): string {
  const others = members.filter(({ address }) => address !== member.address)
  const added = others.map(({ address }) => `route replace ${address}/32 dev eth0 src ${member.address}\n`)
  const removed = gone === null ? [] : [`route flush ${gone}/32 dev eth0\n`]
  return [...NO_LINK_LOCAL, NOBODY_ELSE, ...removed, ...added].join('')
}

/** The pid of a container that runs; `null` when it has ended, whoever has its number now. */
async function readRunning(machine: Machine, containerFolder: string): Promise<number | null> {
  const text = await machine.readText(posix.join(containerFolder, PID_FILE))
  const [pid = '', start = ''] = text.status === 'ok' ? text.value.split(' ') : []
  if (!/^\d+$/u.test(pid) || start === '') return null
  return (await readStart(machine, Number(pid))) === start ? Number(pid) : null
}

/** When a process started, in ticks since boot: the 22nd field of proc(5) stat; its name may hold blanks and brackets. */
async function readStart(machine: Machine, pid: number): Promise<string | null> {
  const text = await machine.readText(`/proc/${pid}/stat`)
  return text.status === 'ok' ? (text.value.slice(text.value.lastIndexOf(')') + 2).split(' ')[19] ?? null) : null
}

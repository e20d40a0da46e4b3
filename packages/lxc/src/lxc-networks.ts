import { posix } from 'node:path'
import { printable, RootlessError, type Machine, type NetworkState, type Networks } from '@rootless-runtime/core'
import * as z from 'zod'
import { listNames, readJson } from './lxc-image-store.ts'
import type { FileDoor } from './lxc-mapped.ts'
import { listMembers } from './lxc-members.ts'
import type { FileStore } from './lxc-store.ts'

const networkState = z.object({ name: z.string(), isolated: z.boolean(), labels: z.record(z.string(), z.string()) })

/** The networks that containers join by name. Each is a file; what it does is done when a container joins. */
export function createLxcNetworks(door: FileDoor, store: FileStore): Networks {
  const { machine } = door
  return {
    create: async (name, { isolated = false, labels = {} } = {}) => {
      await store.prepare()
      const state: NetworkState = { name: checkNetworkName(name), isolated, labels }
      if (!(await machine.files.writeNew(toPath(store, name), JSON.stringify(state))))
        throw new RootlessError('NAME_IN_USE', `there is a network ${name}`, { engine: 'lxc' })
    },
    list: async () => {
      const files = (await listNames(machine, store.networksFolder)).filter((file) => file.endsWith('.json'))
      const networks = await Promise.all(
        files.map((file) => readJson(machine, posix.join(store.networksFolder, file), networkState)),
      )
      return networks.filter((network) => network !== null)
    },
    remove: async (name) => {
      const state = await requireNetwork(machine, store, checkNetworkName(name))
      await throwIfUsed(machine, store, name)
      await machine.files.remove(toPath(store, name))
      // A container that joined before it was gone has its address by now.
      try {
        await throwIfUsed(machine, store, name)
      } catch (error) {
        await machine.files.write(toPath(store, name), JSON.stringify(state))
        throw error
      }
    },
  }
}

/** @throws RootlessError `NETWORK_NOT_FOUND` */
export async function requireNetwork(machine: Machine, store: FileStore, name: string): Promise<NetworkState> {
  const state = NAME.test(name) ? await readJson(machine, toPath(store, name), networkState) : null
  if (state !== null) return state
  throw new RootlessError('NETWORK_NOT_FOUND', `there is no network ${JSON.stringify(printable(name, 80))}; create it first`, {
    engine: 'lxc',
  })
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/u
const RESERVED: ReadonlySet<string> = new Set(['default', 'none', 'host'])

/** As Docker names them. @throws RootlessError `INVALID_ARGUMENT` */
function checkNetworkName(name: string): string {
  if (NAME.test(name) && !RESERVED.has(name)) return name
  throw new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(printable(name, 80))} cannot be the name of a network`, {
    engine: 'lxc',
  })
}

function toPath(store: FileStore, name: string): string {
  return posix.join(store.networksFolder, `${name}.json`)
}

async function throwIfUsed(machine: Machine, store: FileStore, name: string): Promise<void> {
  const [member] = await listMembers(machine, store, name)
  if (member === undefined) return
  throw new RootlessError(
    'NETWORK_IN_USE',
    `the network ${name} is used by the container ${member.containerId}; remove it first`,
    {
      engine: 'lxc',
    },
  )
}

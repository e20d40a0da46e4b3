import { RootlessError, toEngineUnavailable, type DriverContext, type EngineDriver, type Networks } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { createLxcContainers } from './lxc-containers.ts'
import type { LxcAnswer, LxcFacts } from './lxc-facts.ts'
import { createLxcImages } from './lxc-images.ts'
import type { FileDoor } from './lxc-mapped.ts'
import { createLxcMounts } from './lxc-mounts.ts'
import { toHostsFile } from './lxc-network-files.ts'
import type { NetworkPart } from './lxc-parts.ts'
import { toHostname } from './lxc-record.ts'
import { createLxcRootfs } from './lxc-rootfs.ts'
import { readCgroupScope, type CgroupScope } from './lxc-scope.ts'
import { createLxcStore } from './lxc-store.ts'
import { createSupervisorDoor } from './lxc-supervise.ts'
import { createLxcVolumes } from './lxc-volumes.ts'

/** What LXC does beside answering questions. `ask` is what its factory knows of it already. */
export async function openLxcDriver(context: DriverContext, ask: () => Promise<LxcAnswer>): Promise<EngineDriver> {
  const { machine, timeoutMs } = context
  const readFacts = async (): Promise<LxcFacts> => {
    const { availability, facts } = await ask()
    if (facts === null) throw toEngineUnavailable('lxc', availability)
    return facts
  }
  const idMaps = async (): Promise<readonly IdMap[]> => (await readFacts()).config.idMaps
  const version = async (): Promise<string> => (await readFacts()).version
  const door: FileDoor = { machine, idMaps, version }
  const store = createLxcStore(door)
  const images = createLxcImages(door, store)
  const rootfs = createLxcRootfs(door, store, timeoutMs)
  let scope: Promise<CgroupScope> | undefined
  const parts = {
    store,
    images,
    rootfs,
    network: noNetwork,
    mounts: createLxcMounts({
      door,
      store,
      access: rootfs,
      networkFiles: async ({ hostname }, id) => ({
        hosts: toHostsFile([]),
        hostname: `${hostname ?? toHostname(id)}\n`,
        resolv: '',
      }),
    }),
  }
  return {
    images,
    volumes: createLxcVolumes(door, store),
    networks: noNetworks,
    containers: createLxcContainers({
      machine,
      parts,
      timeoutMs,
      idMaps,
      supervisors: createSupervisorDoor(machine, timeoutMs),
      scope: () => (scope ??= readCgroupScope(machine)),
      appArmorProfile: async () => (await readFacts()).config.appArmorProfile ?? UNCONFINED,
    }),
  }
}

const noNetwork: NetworkPart = {
  prepare: async ({ network, ports }) => {
    if (ports.length > 0 || network !== 'none') throw toNotBuilt()
    return ['lxc.net.0.type = empty', 'lxc.net.0.flags = up']
  },
  beforeCommand: async () => [],
  address: async () => null,
  hostAddress: () => Promise.reject(toNotBuilt()),
  remove: async () => {},
}

const noNetworks: Networks = {
  create: () => Promise.reject(toNotBuilt()),
  list: async () => [],
  remove: () => Promise.reject(toNotBuilt()),
}

function toNotBuilt(): RootlessError {
  return new RootlessError('NOT_SUPPORTED', 'containers of LXC have no network yet', { engine: 'lxc' })
}

/** Only root can load the generated profile that Debian's default.conf asks for. */
const UNCONFINED = 'unconfined'

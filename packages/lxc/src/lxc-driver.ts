import { toEngineUnavailable, type DriverContext, type EngineDriver } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { createLxcContainers } from './lxc-containers.ts'
import type { LxcAnswer, LxcFacts } from './lxc-facts.ts'
import { createLxcImages } from './lxc-images.ts'
import type { FileDoor } from './lxc-mapped.ts'
import { createLxcMounts } from './lxc-mounts.ts'
import { createLxcNetwork } from './lxc-network.ts'
import { createLxcNetworks } from './lxc-networks.ts'
import { createLxcRootfs } from './lxc-rootfs.ts'
import { readCgroupScope, type CgroupScope } from './lxc-scope.ts'
import { createLxcStore } from './lxc-store.ts'
import { createSupervisorDoor } from './lxc-supervise.ts'
import { sweepStore } from './lxc-sweep.ts'
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
  const bridge = async (): Promise<string | null> => (await readFacts()).config.network?.link ?? null
  const network = createLxcNetwork({ door, store, timeoutMs, bridge, capabilities: () => context.capabilities() })
  let scope: Promise<CgroupScope> | undefined
  const mounts = createLxcMounts({ door, store, access: rootfs, networkFiles: (plan, id) => network.files(plan, id) })
  const parts = { store, images, rootfs, network, mounts }
  return {
    images,
    volumes: createLxcVolumes(door, store),
    networks: createLxcNetworks(door, store),
    containers: {
      ...createLxcContainers({
        machine,
        parts,
        timeoutMs,
        idMaps,
        records: new Map(),
        supervisors: createSupervisorDoor(machine, timeoutMs),
        scope: () => (scope ??= readCgroupScope(machine)),
        appArmorProfile: async () => (await readFacts()).config.appArmorProfile ?? UNCONFINED,
      }),
      sweepUnlisted: () => sweepStore(door, store),
    },
  }
}

/** Only root can load the generated profile that Debian's default.conf asks for. */
const UNCONFINED = 'unconfined'

import { RootlessError, type DriverContext, type EngineDriver, type Machine } from '@rootless-runtime/core'
import { createPodmanApi } from './podman-api.ts'
import { createPodmanContainers } from './podman-containers.ts'
import { parseOwnAddress } from './podman-host-address.ts'
import { createPodmanImages } from './podman-images.ts'
import { createPodmanNetworks, createPodmanVolumes } from './podman-networks.ts'
import { createOwnerMaps } from './podman-owner.ts'
import { createSecretFolders } from './podman-secrets.ts'
import { createPodmanService } from './podman-service.ts'

/** What Podman does beside answering questions. Nothing is asked, and no service started, before the first call. */
export async function openPodmanDriver({ machine, timeoutMs, capabilities }: DriverContext): Promise<EngineDriver> {
  const service = createPodmanService(machine, timeoutMs)
  const api = await createPodmanApi(service, timeoutMs)
  return {
    containers: createPodmanContainers({
      api,
      files: machine.files,
      secrets: createSecretFolders(machine),
      owners: createOwnerMaps(api),
      hasCgroup: async () => {
        const found = (await capabilities()).cgroup.version
        return found.status === 'supported' && found.value === 'v2'
      },
      ownAddress: () => readOwnAddress(machine),
      readHosts: async (path) => {
        const text = await machine.readText(path)
        return text.status === 'ok' ? text.value : ''
      },
    }),
    images: createPodmanImages(api, machine),
    networks: createPodmanNetworks(api),
    volumes: createPodmanVolumes(api),
  }
}

async function readOwnAddress(machine: Machine): Promise<string> {
  const [route, trie] = await Promise.all([machine.readText('/proc/net/route'), machine.readText('/proc/net/fib_trie')])
  const found = route.status === 'ok' && trie.status === 'ok' ? parseOwnAddress(route.value, trie.value) : undefined
  if (found !== undefined) return found
  throw new RootlessError('NOT_SUPPORTED', 'this machine has no address but its loopback: no container reaches it', {
    engine: 'podman',
  })
}

import { createSecretFolders, readOwnAddress, type DriverContext, type EngineDriver } from '@rootless-runtime/core'
import { createPodmanApi } from './podman-api.ts'
import { createPodmanContainers } from './podman-containers.ts'
import { createEndCommand } from './podman-end-process.ts'
import { createPodmanImages } from './podman-images.ts'
import { createPodmanNetworks, createPodmanVolumes } from './podman-networks.ts'
import { createOwnerMaps } from './podman-owner.ts'
import type { PodmanService } from './podman-service.ts'

/** What Podman does beside answering questions. */
export async function openPodmanDriver(
  { machine, timeoutMs, capabilities }: DriverContext,
  service: PodmanService,
): Promise<EngineDriver> {
  const api = createPodmanApi(service, timeoutMs)
  return {
    containers: createPodmanContainers({
      api,
      machine,
      files: machine.files,
      secrets: createSecretFolders(machine),
      endCommand: createEndCommand(api, machine),
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

import type { Duplex } from 'node:stream'
import {
  createSecretFolders,
  findMemoryKill,
  readOwnAddress,
  RootlessError,
  type DriverContext,
  type EngineDriver,
} from '@rootless-runtime/core'
import { createDockerClient } from './docker-client.ts'
import { createDockerContainers } from './docker-containers.ts'
import { createEndProcess } from './docker-end-process.ts'
import { createDockerImages } from './docker-images.ts'
import { createDockerNetworks, createDockerVolumes } from './docker-networks.ts'

/** Where the daemon listens, and what it said of itself when it was looked for. */
export interface DaemonPlace {
  readonly socketPath: string
  readonly cgroupDriver: string
}

/** What Docker does beside answering questions. `findDaemon` looks for it once, when something is asked. */
export async function openDockerDriver(context: DriverContext, findDaemon: () => Promise<DaemonPlace>): Promise<EngineDriver> {
  const { machine, timeoutMs } = context
  const connect = async (): Promise<Duplex> => {
    const answer = await machine.connect((await findDaemon()).socketPath, { timeoutMs })
    if (answer.status === 'ok') return answer.value
    throw new RootlessError('ENGINE_UNAVAILABLE', `Docker cannot be reached: ${answer.reason}`, {
      engine: 'docker',
      evidence: answer.reason,
    })
  }
  const client = createDockerClient(connect, timeoutMs)
  return {
    containers: createDockerContainers({
      client,
      secrets: createSecretFolders(machine),
      endProcess: createEndProcess(machine),
      hasCgroup: async () => (await findDaemon()).cgroupDriver !== 'none',
      readMemoryKill: (state) => findMemoryKill(machine, `docker-${state.id}.scope`, state),
      ownAddress: async () => {
        const address = await readOwnAddress(machine)
        if (address.status === 'known') return address.value
        throw new RootlessError('NOT_SUPPORTED', `no address of this host is known: ${address.reason}`, { engine: 'docker' })
      },
    }),
    images: createDockerImages({ machine, client }),
    networks: createDockerNetworks(client),
    volumes: createDockerVolumes(client),
    answeredAtMs: () => client.answeredAtMs(),
  }
}

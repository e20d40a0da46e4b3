import type { Duplex } from 'node:stream'
import { createSecretFolders, readOwnAddress, RootlessError, type DriverContext, type EngineDriver } from '@rootless-runtime/core'
import * as z from 'zod'
import { createDockerClient, parseReply, type DockerClient } from './docker-client.ts'
import { createDockerContainers } from './docker-containers.ts'
import { createEndProcess } from './docker-end-process.ts'
import { createDockerImages } from './docker-images.ts'
import { createDockerNetworks, createDockerVolumes } from './docker-networks.ts'

const info = z.object({ CgroupDriver: z.string() })

/** What Docker does beside answering questions. `findSocket` looks for the daemon once, when something is asked. */
export async function openDockerDriver(context: DriverContext, findSocket: () => Promise<string>): Promise<EngineDriver> {
  const { machine, timeoutMs } = context
  const connect = async (): Promise<Duplex> => {
    const answer = await machine.connect(await findSocket(), { timeoutMs })
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
      hasCgroup: rememberCgroup(client),
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

function rememberCgroup(client: DockerClient): () => Promise<boolean> {
  let known: Promise<boolean> | undefined
  const find = async (): Promise<boolean> => {
    const what = 'asking what Docker is'
    return parseReply(info, await client.ask({ method: 'GET', path: '/info', what }, {}), what).CgroupDriver !== 'none'
  }
  const forget = (error: unknown): never => {
    known = undefined
    throw error
  }
  return () => (known ??= find().catch(forget))
}

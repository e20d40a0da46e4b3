import { parseImageReference } from '@rootless-runtime/image'
import { LABEL_PREFIX, RootlessError, type Call, type ContainerDriver } from '@rootless-runtime/core'
import * as z from 'zod'
import { attachTo } from './docker-attach.ts'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { createContainer } from './docker-create.ts'
import { readEvents } from './docker-events.ts'
import { startExec } from './docker-exec.ts'
import {
  inspectContainer,
  readEndAfterStreams,
  readState,
  removeContainer,
  toPath,
  waitForEnd,
  type DockerPlace,
} from './docker-lifecycle.ts'
import { listContainers } from './docker-list.ts'
import { readLogs } from './docker-logs.ts'

/** Docker's containers, by its own calls. */
export function createDockerContainers(place: DockerPlace): ContainerDriver {
  const { client } = place
  return {
    engine: 'docker',
    create: (plan, call) => createContainer(place, plan, call),
    start: (id, call) => change(client, id, 'start', `starting ${id}`, call),
    inspect: (nameOrId, call) => readState(place, nameOrId, call),
    list: (labels, call) => listContainers(place.client, labels, call),
    attach: async (id, call) => {
      const { Config, Id } = await inspectContainer(client, id, call)
      const exitCode = (): Promise<number> => readEndAfterStreams(client, Id)
      return await attachTo(client, { id: Id, terminal: Config.Tty, stdin: Config.OpenStdin, exitCode }, call)
    },
    exec: (id, plan, call) => startExec(place, id, plan, call),
    logs: async function* (id, options) {
      const { Config, Id } = await inspectContainer(client, id, options)
      yield* readLogs(client, Id, Config.Tty, options)
    },
    wait: (id, call) => waitForEnd(client, id, call),
    kill: (id, signal, call) =>
      change(client, id, `kill?signal=${encodeURIComponent(signal)}`, `sending ${signal} to ${id}`, call),
    pause: (id, call) => change(client, id, 'pause', `pausing ${id}`, call),
    resume: (id, call) => change(client, id, 'unpause', `resuming ${id}`, call),
    remove: (id, call) => removeContainer(place, id, call),
    copyIn: async (id, tar, targetFolder, call) => {
      const path = `${toPath(id)}/archive?path=${encodeURIComponent(targetFolder)}`
      await client.work({ method: 'PUT', path, body: { tar }, what: `copying to ${targetFolder} in ${id}` }, call)
    },
    copyOut: async (id, path, call) => {
      const query = `archive?path=${encodeURIComponent(path)}`
      return await openBody(client, { method: 'GET', path: `${toPath(id)}/${query}`, what: `copying ${path} out of ${id}` }, call)
    },
    commit: (id, reference, call) => commitContainer(place, id, reference, call),
    events: (call) => readEvents(client, new Date(), call),
    hostAddress: (id, call) => readHostAddress(place, id, call),
  }
}

async function change(client: DockerClient, id: string, action: string, what: string, call: Call): Promise<void> {
  // 304: it is so already.
  await client.work({ method: 'POST', path: `${toPath(id)}/${action}`, what, expected: [304] }, call)
}

const committed = z.object({ Id: z.string() })

async function commitContainer({ client, hasCgroup }: DockerPlace, id: string, reference: string, call: Call): Promise<string> {
  const { registry, repository, tag } = parseImageReference(reference)
  const { Id, Config } = await inspectContainer(client, id, call)
  // Docker freezes a container meanwhile where it can, and fails where it cannot.
  const pause = (await hasCgroup()) ? '1' : '0'
  const query = new URLSearchParams({ container: Id, repo: `${registry}/${repository}`, tag: tag ?? 'latest', pause })
  // A label cannot be taken off. Emptied, it makes no container of this image look like one of ours, which a sweep would remove.
  const ours = Object.keys(Config.Labels ?? {}).filter((name) => name.startsWith(LABEL_PREFIX))
  const json = { Labels: Object.fromEntries(ours.map((name) => [name, ''])) }
  const what = `making the image ${reference} of ${id}`
  const reply = await client.work({ method: 'POST', path: `/commit?${query.toString()}`, body: { json }, what }, call)
  return parseReply(committed, reply, what).Id
}

const network = z.object({ Internal: z.boolean() })

/** Docker's containers reach the host by its own address: RootlessKit keeps them from its loopback. */
async function readHostAddress({ client, ownAddress }: DockerPlace, id: string, call: Call): Promise<string> {
  const { HostConfig, Name } = await inspectContainer(client, id, call)
  const mode = HostConfig.NetworkMode
  const name = Name.replace(/^\//u, '')
  if (mode === 'none') throw noWay(name, 'it has no network')
  if (mode !== 'default' && mode !== 'bridge' && mode !== 'host') {
    const what = `looking at the network ${mode}`
    const reply = await client.ask({ method: 'GET', path: `/networks/${encodeURIComponent(mode)}`, what }, call)
    if (parseReply(network, reply, what).Internal) throw noWay(name, `the network ${mode} is isolated`)
  }
  return await ownAddress()
}

function noWay(name: string, reason: string): RootlessError {
  return new RootlessError('NOT_SUPPORTED', `${name} has no way to this host: ${reason}`, { engine: 'docker' })
}

import { RootlessError, type Call, type ContainerDriver, type ContainerPlan, type DriverState } from '@rootless-runtime/core'
import * as z from 'zod'
import { attachTo } from './docker-attach.ts'
import { openBody, parseReply, type DockerClient } from './docker-client.ts'
import { toCreateBody } from './docker-create-body.ts'
import { abortedError, goneError } from './docker-errors.ts'
import { startExec } from './docker-exec.ts'
import { readLogs } from './docker-logs.ts'
import { containerInspect, toDriverState, type ContainerInspect } from './docker-state.ts'

/** What the containers of Docker are made with. */
export interface DockerPlace {
  readonly client: DockerClient
  /** Whether containers have a cgroup of their own, asked once. */
  readonly watchesMemory: () => Promise<boolean>
}

const created = z.object({ Id: z.string() })
const listed = z.array(z.object({ Id: z.string() }))
const waited = z.object({ StatusCode: z.number() })

/** Docker's containers, by its own calls. */
export function createDockerContainers(place: DockerPlace): ContainerDriver {
  const { client } = place
  const simple = async (method: 'POST' | 'DELETE', path: string, what: string, call: Call): Promise<void> => {
    // 304: it is so already.
    await client.work({ method, path, what, expected: [304] }, call)
  }
  return {
    engine: 'docker',
    create: (plan, call) => createContainer(client, plan, call),
    start: (id, call) => simple('POST', `${toPath(id)}/start`, `starting ${id}`, call),
    inspect: async (nameOrId, call) => await toState(place, await inspectContainer(client, nameOrId, call)),
    list: (labels, call) => listContainers(place, labels, call),
    attach: async (id, call) => {
      const { Config, Id } = await inspectContainer(client, id, call)
      const exitCode = (): Promise<number> => exitCodeAfterStreams(client, Id)
      return await attachTo(client, { id: Id, terminal: Config.Tty, stdin: Config.OpenStdin, exitCode }, call)
    },
    exec: (id, plan, call) => startExec(client, id, plan, call),
    logs: async function* (id, options) {
      const { Config, Id } = await inspectContainer(client, id, options)
      yield* readLogs(client, Id, Config.Tty, options)
    },
    wait: (id, call) => waitForEnd(client, id, call),
    kill: (id, signal, call) =>
      simple('POST', `${toPath(id)}/kill?signal=${encodeURIComponent(signal)}`, `sending ${signal} to ${id}`, call),
    pause: (id, call) => simple('POST', `${toPath(id)}/pause`, `pausing ${id}`, call),
    resume: (id, call) => simple('POST', `${toPath(id)}/unpause`, `resuming ${id}`, call),
    remove: (id, call) => simple('DELETE', `${toPath(id)}?v=1`, `removing ${id}`, call),
    copyIn: async (id, tar, targetFolder, call) => {
      const path = `${toPath(id)}/archive?path=${encodeURIComponent(targetFolder)}`
      await client.work({ method: 'PUT', path, body: { tar }, what: `copying to ${targetFolder} in ${id}` }, call)
    },
    copyOut: (id, path, call) => {
      const query = `path=${encodeURIComponent(path)}`
      return openBody(
        client,
        { method: 'GET', path: `${toPath(id)}/archive?${query}`, what: `copying ${path} out of ${id}` },
        call,
      )
    },
    commit: () => {
      throw new RootlessError('NOT_SUPPORTED', 'not yet', { engine: 'docker' })
    },
    events: () => {
      throw new RootlessError('NOT_SUPPORTED', 'not yet', { engine: 'docker' })
    },
    hostAddress: () => {
      throw new RootlessError('NOT_SUPPORTED', 'not yet', { engine: 'docker' })
    },
  }
}

function toPath(id: string): string {
  return `/containers/${encodeURIComponent(id)}`
}

/**
 * Docker goes on making a container whose client has gone. So the answer is waited for even when the caller gives up, and what
 * was made is removed.
 */
async function createContainer(client: DockerClient, plan: ContainerPlan, { signal }: Call): Promise<string> {
  const what = `creating ${plan.name}`
  if (isAborted(signal)) throw abortedError(what, signal)
  const path = `/containers/create?name=${encodeURIComponent(plan.name)}`
  const reply = await client.work({ method: 'POST', path, body: { json: toCreateBody(plan) }, what }, {})
  const { Id } = parseReply(created, reply, what)
  if (!isAborted(signal)) return Id
  await client.work({ method: 'DELETE', path: `${toPath(Id)}?v=1`, what: `removing ${plan.name}` }, {})
  throw abortedError(what, signal)
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

async function inspectContainer(client: DockerClient, nameOrId: string, call: Call): Promise<ContainerInspect> {
  const what = `looking at ${nameOrId}`
  return parseReply(containerInspect, await client.ask({ method: 'GET', path: `${toPath(nameOrId)}/json`, what }, call), what)
}

async function toState(place: DockerPlace, inspect: ContainerInspect): Promise<DriverState> {
  return toDriverState(inspect, await place.watchesMemory())
}

/** Docker's list tells no times, exit codes or processes: each one is looked at. One that goes in between is not listed. */
async function listContainers(
  place: DockerPlace,
  labels: Readonly<Record<string, string>>,
  call: Call,
): Promise<readonly DriverState[]> {
  const what = 'listing containers'
  const filters = JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) })
  const path = `/containers/json?all=1&filters=${encodeURIComponent(filters)}`
  const found = parseReply(listed, await place.client.ask({ method: 'GET', path, what }, call), what)
  const states = await Promise.all(found.map(({ Id }) => inspectIfThere(place, Id, call)))
  return states.filter((state) => state !== null)
}

async function inspectIfThere(place: DockerPlace, id: string, call: Call): Promise<DriverState | null> {
  try {
    return await toState(place, await inspectContainer(place.client, id, call))
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'CONTAINER_NOT_FOUND') return null
    throw error
  }
}

/** The end of one that runs or will be started; `next-exit` is registered when the head of its answer is there (moby, since 1.30). */
async function waitForEnd(client: DockerClient, id: string, call: Call): Promise<number> {
  const { State, Id } = await inspectContainer(client, id, call)
  if (State.Status === 'exited' || State.Status === 'dead') return State.ExitCode
  const condition = State.Status === 'created' ? 'next-exit' : 'not-running'
  const what = `waiting for ${id}`
  const path = `${toPath(Id)}/wait?condition=${condition}`
  const body = await openBody(client, { method: 'POST', path, what }, call)
  try {
    if (condition === 'next-exit') {
      const { State: now } = await inspectContainer(client, Id, call)
      if (now.Status === 'exited' || now.Status === 'dead') return now.ExitCode
    }
    const parts: Buffer[] = []
    for await (const part of body) parts.push(part)
    return parseReply(waited, { statusCode: 200, text: Buffer.concat(parts).toString('utf8') }, what).StatusCode
  } finally {
    body.destroy()
  }
}

/** The exit code once the streams are closed: by the container's end, or by the engine's. */
async function exitCodeAfterStreams(client: DockerClient, id: string): Promise<number> {
  try {
    const { State } = await inspectContainer(client, id, {})
    if (State.Status !== 'created') return await waitForEnd(client, id, {})
    throw new RootlessError('NOT_RUNNING', `${id} was never started`, { engine: 'docker' })
  } catch (error) {
    const isLost = error instanceof RootlessError && error.code === 'ENGINE_UNAVAILABLE'
    throw isLost ? goneError(`the end of ${id}`, error) : error
  }
}

import { RootlessError, SECRETS_TARGET, type Call, type DriverState, type SecretFolders } from '@rootless-runtime/core'
import * as z from 'zod'
import { openBody, parseReply, toReplyError, type DockerClient } from './docker-client.ts'
import type { EndProcess } from './docker-end-process.ts'
import { goneError } from './docker-errors.ts'
import { containerInspect, toDriverState, type ContainerInspect } from './docker-state.ts'

/** What the containers of Docker are made with. */
export interface DockerPlace {
  readonly client: DockerClient
  readonly secrets: SecretFolders
  readonly endProcess: EndProcess
  /** Whether containers have a cgroup of their own; asked once. */
  readonly hasCgroup: () => Promise<boolean>
  /** What Docker does not say of a kill for memory, and others do. */
  readonly readMemoryKill: (state: DriverState) => Promise<DriverState['outOfMemory']>
  /** An address of this machine that is no loopback. @throws RootlessError `NOT_SUPPORTED` */
  readonly ownAddress: () => Promise<string>
}

const waited = z.object({ StatusCode: z.number() })

/** Where Docker answers about a container. */
export function toPath(id: string): string {
  return `/containers/${encodeURIComponent(id)}`
}

/** Removes one that does not run, its anonymous volumes, and its secrets. */
export async function removeContainer({ client, secrets }: DockerPlace, id: string, call: Call): Promise<void> {
  const { Id, Mounts } = await inspectContainer(client, id, call)
  const folder = Mounts.find(({ Destination }) => Destination === SECRETS_TARGET)?.Source
  if (folder !== undefined) await secrets.release(folder)
  try {
    await deleteContainer(client, Id, call)
  } catch (error) {
    // Of a container whose removal is cut, nobody can tell any more where they are.
    if (folder !== undefined && error instanceof RootlessError && error.code === 'ENGINE_GONE') await secrets.remove(folder)
    else if (folder !== undefined) await secrets.keep(folder)
    throw error
  }
  if (folder !== undefined) await secrets.remove(folder)
}

async function deleteContainer(client: DockerClient, id: string, call: Call): Promise<void> {
  const request = { method: 'DELETE', path: `${toPath(id)}?v=1`, what: `removing ${id}`, expected: [409] } as const
  const reply = await client.work(request, call)
  if (reply.statusCode !== 409) return
  if (!/is already in progress/u.test(reply.text)) throw toReplyError(request.what, reply)
  await waitUntilRemoved(client, id, call)
}

// Somebody else removes it already. It is gone when that is done, and not before.
async function waitUntilRemoved(client: DockerClient, id: string, call: Call): Promise<void> {
  const request = {
    method: 'POST',
    path: `${toPath(id)}/wait?condition=removed`,
    what: `removing ${id}`,
    expected: [404],
  } as const
  await client.work(request, call)
}

/** By name or id. */
export async function inspectContainer(client: DockerClient, nameOrId: string, call: Call): Promise<ContainerInspect> {
  const what = `looking at ${nameOrId}`
  return parseReply(containerInspect, await client.ask({ method: 'GET', path: `${toPath(nameOrId)}/json`, what }, call), what)
}

/** What Docker says of a container. */
export async function readState(place: DockerPlace, nameOrId: string, call: Call): Promise<DriverState> {
  const [inspect, hasCgroup] = await Promise.all([inspectContainer(place.client, nameOrId, call), place.hasCgroup()])
  const state = toDriverState(inspect, hasCgroup)
  return hasCgroup ? { ...state, outOfMemory: await place.readMemoryKill(state) } : state
}

function toExitCode({ State }: ContainerInspect): number | null {
  return State.Status === 'exited' || State.Status === 'dead' ? State.ExitCode : null
}

/**
 * The end of one that runs, has ended, or will be started. Docker registers a wait before it sends the head of the answer (moby,
 * API 1.30), so a container that is looked at after that cannot end unseen.
 */
export async function waitForEnd(client: DockerClient, id: string, call: Call): Promise<number> {
  const before = await inspectContainer(client, id, call)
  const ended = toExitCode(before)
  if (ended !== null) return ended
  const condition = before.State.Status === 'created' ? 'next-exit' : 'not-running'
  const what = `waiting for ${id}`
  const body = await openBody(client, { method: 'POST', path: `${toPath(before.Id)}/wait?condition=${condition}`, what }, call)
  try {
    const meanwhile = condition === 'next-exit' ? toExitCode(await inspectContainer(client, id, call)) : null
    if (meanwhile !== null) return meanwhile
    const parts: Buffer[] = []
    for await (const part of body) parts.push(part)
    return parseReply(waited, { text: Buffer.concat(parts).toString('utf8') }, what).StatusCode
  } finally {
    body.destroy()
  }
}

/** The exit code once the streams are closed: by the container's end, or by the engine's. */
export async function readEndAfterStreams(client: DockerClient, id: string): Promise<number> {
  try {
    const { State } = await inspectContainer(client, id, {})
    if (State.Status !== 'created') return await waitForEnd(client, id, {})
  } catch (error) {
    const isLost = error instanceof RootlessError && error.code === 'ENGINE_UNAVAILABLE'
    throw isLost ? goneError(`the end of ${id}`, error) : error
  }
  throw new RootlessError('NOT_RUNNING', `${id} was never started`, { engine: 'docker' })
}

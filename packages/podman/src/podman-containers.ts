import { setTimeout as sleep } from 'node:timers/promises'
import {
  findMemoryKill,
  RootlessError,
  SECRETS_TARGET,
  type Call,
  type ContainerDriver,
  type ContainerPlan,
  type Fact,
  type Machine,
  type SecretFolders,
  type SystemFiles,
} from '@rootless-runtime/core'
import { parseImageReference } from '@rootless-runtime/image'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { attachByLog } from './podman-attach-by-log.ts'
import { canGiveFiles, toCreateBody } from './podman-create-body.ts'
import { unreadableError } from './podman-errors.ts'
import { attach, exec, wait } from './podman-exec.ts'
import { copyFrom, copyInto } from './podman-copy.ts'
import { discardUnlisted } from './podman-cut.ts'
import { inspectContainer, toContainerPath } from './podman-inspect.ts'
import { readHostAddress } from './podman-host-address.ts'
import { readEvents } from './podman-events.ts'
import { hasNetworks, noSuchNetwork } from './podman-networks.ts'
import { readLogs } from './podman-logs.ts'
import type { EndCommand } from './podman-end-process.ts'
import { losesBytes } from './podman-program-stdin.ts'
import type { OwnerMaps } from './podman-owner.ts'
import type { Question } from './podman-question.ts'
import { parseListed, type InspectedContainer } from './podman-state.ts'

/** What the containers need beside the API. */
export interface ContainerParts {
  readonly api: PodmanApi
  readonly machine: Pick<Machine, 'spawn' | 'run'>
  readonly files: SystemFiles
  readonly secrets: SecretFolders
  readonly endCommand: EndCommand
  readonly owners: OwnerMaps
  /** Whether a container has a cgroup of its own, without which Podman cannot freeze it. */
  readonly hasCgroup: () => Promise<boolean>
  readonly ownAddress: () => Promise<Fact<string>>
  readonly readHosts: (path: string) => Promise<string>
}

/** The lifecycle, one call of Podman's each where Podman has one. */
export function createPodmanContainers(parts: ContainerParts): ContainerDriver {
  const { api } = parts
  const inspect = (id: string, call: Call): Promise<InspectedContainer> => inspectContainer(api, id, call)
  return {
    engine: 'podman',
    create: (plan, call) => create(parts, plan, call),
    discardUnlisted: (name, since, call) => discardUnlisted(api, name, since, call),
    start: (id, call) => start(api, id, call),
    inspect: async (id, call) => {
      const { state } = await inspect(id, call)
      return { ...state, outOfMemory: await findMemoryKill(parts.machine, `libpod-${state.id}.scope`, state) }
    },
    list: async (labels, call) => {
      const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
      const query = new URLSearchParams({ all: 'true', filters: JSON.stringify(label.length === 0 ? {} : { label }) })
      const what = 'list containers'
      return parseListed(await api.ask({ method: 'GET', path: `/containers/json?${query.toString()}`, what }, call), what)
    },
    attach: async (id, call) => {
      const { state, stdin, logPath } = await inspect(id, call)
      if (logPath !== null && !state.terminal && (await losesBytes(api)))
        return attachByLog({ ...parts, wait: (which, given) => wait(api, which, given) }, { state, logPath, stdin }, call)
      return await attach(api, { id, terminal: state.terminal, stdin }, call)
    },
    exec: (id, plan, call) => exec(parts, id, plan, call),
    logs: (id, options) => readLogs(parts, id, options),
    wait: (id, call) => wait(api, id, call),
    kill: (id, signal, call) => act(api, id, `kill?signal=${encodeURIComponent(signal)}`, call),
    pause: (id, call) => act(api, id, 'pause', call),
    resume: (id, call) => act(api, id, 'unpause', call),
    remove: (id, call) => remove(parts, id, call),
    copyIn: (id, tar, targetFolder, call) => copyInto(api, { id, targetFolder, tar }, call),
    copyOut: (id, path, call) => copyFrom(api, { id, path }, call),
    commit: (id, reference, call) => commit(parts, id, reference, call),
    events: (call) => readEvents(api, parts.hasCgroup, call),
    hostAddress: async (id, call) => await readHostAddress(parts, await inspect(id, call)),
  }
}

async function act(api: PodmanApi, id: string, action: string, call: Call): Promise<void> {
  const what = `${action.replace(/\?.*/u, '')} ${id}`
  await api.ask({ method: 'POST', path: `${toContainerPath(id)}/${action}`, what, improperState: 'NOT_RUNNING' }, call)
}

/** How long what carried the ports of a run may take to end after it: pasta ends by itself, and Podman 5.4.2 does not wait. */
const OWN_PORT_MS = 2000
const LOOK_MS = 50

/** Starts it; one that ran before is told of its own port only when that has not become free. */
async function start(api: PodmanApi, id: string, call: Call): Promise<void> {
  const deadline = performance.now() + OWN_PORT_MS
  for (;;) {
    try {
      return await act(api, id, 'start', call)
    } catch (error) {
      const isTaken = error instanceof RootlessError && error.code === 'PORT_IN_USE' && performance.now() < deadline
      if (!isTaken || (await inspectContainer(api, id, call)).state.startedAt === null) throw error
      await sleep(LOOK_MS)
    }
  }
}

const made = z.object({ Id: z.string() })

async function create(parts: ContainerParts, plan: ContainerPlan, call: Call): Promise<string> {
  const maps = await parts.owners.find(plan, call)
  const version = await parts.api.version()
  // Podman 3.0.1 would find out at the start only.
  if (!['default', 'none', 'host'].includes(plan.network) && !hasNetworks(version)) throw noSuchNetwork(plan.network)
  // Where the file cannot be the container's user's, whoever is in the container may read it.
  const secretsFolder = await parts.secrets.make(plan.secrets, canGiveFiles(version) ? 0o400 : 0o444)
  try {
    const json = toCreateBody(plan, { version, ...maps, secretsFolder })
    const id = await ask(parts.api, { json, what: `create ${plan.name}` })
    if (secretsFolder !== null) await parts.secrets.keep(secretsFolder)
    return id
  } catch (error) {
    if (secretsFolder !== null) await parts.secrets.remove(secretsFolder)
    throw error
  }
}

// Not ended by the caller's signal: Podman would go on, and make it when nobody knows of it any more.
async function ask(api: PodmanApi, question: Pick<Question, 'json' | 'what'>): Promise<string> {
  const answer = made.safeParse(await api.ask({ method: 'POST', path: '/containers/create', ...question }, {}))
  if (!answer.success) throw unreadableError(question.what, z.prettifyError(answer.error))
  return answer.data.Id
}

async function remove({ api, secrets }: ContainerParts, id: string, call: Call): Promise<void> {
  const { mounts } = await inspectContainer(api, id, call)
  const secret = [...mounts].find(([target]) => target.startsWith(`${SECRETS_TARGET}/`))?.[1]
  const folder = secret?.slice(0, secret.lastIndexOf('/'))
  if (folder !== undefined) await secrets.release(folder)
  const removeSecrets = async (): Promise<void> => {
    if (folder !== undefined) await secrets.remove(folder)
  }
  try {
    const path = `${toContainerPath(id)}?v=true`
    await api.ask({ method: 'DELETE', path, what: `remove ${id}`, improperState: 'STILL_RUNNING' }, call)
  } catch (error) {
    // Of a container whose removal is cut, nobody can tell any more where they are.
    if (error instanceof RootlessError && error.code === 'ENGINE_GONE') await removeSecrets()
    else if (folder !== undefined) await secrets.keep(folder)
    throw error
  }
  await removeSecrets()
}

async function commit({ api, hasCgroup }: ContainerParts, id: string, reference: string, call: Call): Promise<string> {
  const { registry, repository, tag } = parseImageReference(reference)
  // Files stand still while they are copied where Podman can freeze the container; elsewhere it would refuse to.
  const query = new URLSearchParams({
    container: id,
    repo: `${registry}/${repository}`,
    tag: tag ?? 'latest',
    pause: String(await hasCgroup()),
  })
  const what = `commit ${id}`
  const answer = made.safeParse(
    await api.ask({ method: 'POST', path: `/commit?${query.toString()}`, what, timeoutMs: 'while-it-answers' }, call),
  )
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  return answer.data.Id.startsWith('sha256:') ? answer.data.Id : `sha256:${answer.data.Id}`
}

import { posix } from 'node:path'
import {
  printable,
  RootlessError,
  type Call,
  type ContainerDriver,
  type ContainerProcess,
  type DriverState,
  type DriverSummary,
  type ExecPlan,
} from '@rootless-runtime/core'
import { unlessAborted } from './lxc-abort.ts'
import { attachCommand } from './lxc-attach.ts'
import { freeze, sendSignal, toNotRunning, type ControlRequest } from './lxc-control.ts'
import { makeContainer, toNameFile, toRoot, type CreateContext } from './lxc-create.ts'
import { discard } from './lxc-discard.ts'
import { followEvents, noteEvent } from './lxc-events.ts'
import { readLog } from './lxc-log.ts'
import { throwIfAborted } from './lxc-mapped.ts'
import { CONTAINER_FILES } from './lxc-messages.ts'
import { attachTo } from './lxc-process.ts'
import { readRecord, toNetworkRequest, toRootfsOf, type LxcRecord } from './lxc-record.ts'
import type { CgroupScope } from './lxc-scope.ts'
import { readUser, startContainer } from './lxc-start.ts'
import { readRunState, toDriverState, toSummary } from './lxc-state.ts'
import { waitForEnd } from './lxc-wait.ts'

/** What the containers work with. */
export interface ContainersContext extends CreateContext {
  /** Asked once. */
  scope(): Promise<CgroupScope>
  appArmorProfile(): Promise<string>
  /** Records of containers that commands were run in, by id. */
  readonly records: Map<string, LxcRecord>
}

/** 128 and the number of SIGKILL. */
const KILLED = 137

/** A container, found. */
interface Found {
  readonly record: LxcRecord
  readonly folder: string
}

/** The containers of unprivileged LXC, each kept by a supervisor of ours. Creating asks nothing. */
export function createLxcContainers(context: ContainersContext): ContainerDriver {
  const { machine, parts, supervisors } = context
  const find: Find = async (nameOrId, { signal }) => {
    throwIfAborted(signal)
    return await findContainer(context, nameOrId)
  }
  return {
    engine: 'lxc',
    create: async (plan, call) => (await makeContainer(context, plan, call, (folder) => supervisors.warm(folder))).id,
    start: async (id, call) => start(context, await find(id, call), call),
    inspect: async (nameOrId, call) => inspect(context, await find(nameOrId, call)),
    list: async (labels, { signal }) => {
      throwIfAborted(signal)
      return await list(context, labels)
    },
    attach: async (id, call) => {
      const { record, folder } = await find(id, call)
      const link = await unlessAborted(supervisors.open(folder), call.signal)
      return await attachTo(link, record.stdin || record.terminal)
    },
    exec: (id, plan, call) => exec(context, find, id, plan, call),
    logs: (id, options) => logs(context, find, id, options),
    wait: async (id, call) => waitForEnd({ machine, supervisors }, (await find(id, call)).folder, call),
    kill: async (id, signal, call) => {
      const found = await find(id, call)
      await sendSignal(toControl(context, found), await readRunningPid(context, found), signal)
    },
    pause: async (id, call) => pause(context, await find(id, call), 'lxc-freeze'),
    resume: async (id, call) => pause(context, await find(id, call), 'lxc-unfreeze'),
    remove: async (id, call) => remove(context, await find(id, call)),
    ...toFiles(context, find),
    events: (call) => followEvents(machine, toRoot(context), call),
    hostAddress: async (id, call) => {
      const found = await find(id, call)
      const pid = await readRunningPid(context, found)
      return await parts.network.hostAddress(toNetworkRequest(parts.store, found.record), pid, call)
    },
  }
}

/** @throws RootlessError `CONTAINER_NOT_FOUND`, `ABORTED` */
type Find = (nameOrId: string, call: Call) => Promise<Found>

function toFiles({ machine, parts }: ContainersContext, find: Find): Pick<ContainerDriver, 'copyIn' | 'copyOut' | 'commit'> {
  const of = async (id: string, call: Call): Promise<ReturnType<typeof toRootfsOf>> => {
    const { record, folder } = await find(id, call)
    return toRootfsOf(parts.store, record, (await readRunState(machine, folder)).pid)
  }
  return {
    copyIn: async (id, tar, targetFolder, call) => parts.rootfs.copyIn(await of(id, call), tar, targetFolder, call),
    copyOut: async (id, path, call) => parts.rootfs.copyOut(await of(id, call), path, call),
    commit: async (id, reference, call) => parts.rootfs.commit(await of(id, call), reference, call),
  }
}

/** By id first, as Docker does. @throws RootlessError `CONTAINER_NOT_FOUND` */
async function findContainer(context: ContainersContext, nameOrId: string): Promise<Found> {
  const { machine, parts } = context
  const missing = new RootlessError('CONTAINER_NOT_FOUND', `there is no container ${printable(nameOrId)}`, { engine: 'lxc' })
  // A word that is no name of ours is not made a path of.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/u.test(nameOrId)) throw missing
  const read = async (id: string): Promise<Found | null> => {
    const folder = parts.store.containerFolder(id)
    const record = await readRecord(machine, folder)
    return record === null ? null : { record, folder }
  }
  const byId = await read(nameOrId)
  if (byId !== null) return byId
  const id = await machine.readText(toNameFile(context, nameOrId))
  const byName = id.status === 'ok' && /^[0-9a-f]+$/u.test(id.value) ? await read(id.value) : null
  if (byName?.record.name !== nameOrId) throw missing
  return byName
}

async function start(context: ContainersContext, { record, folder }: Found, call: Call): Promise<void> {
  const { machine, parts, supervisors, timeoutMs } = context
  if (record.lines === null) {
    throw new RootlessError('ENGINE_REFUSED', `${record.name} was not made to its end; remove it`, { engine: 'lxc' })
  }
  const { status } = await readRunState(machine, folder)
  if (status === 'running' || status === 'paused') return
  const link = supervisors.open(folder)
  const [scope, appArmorProfile] = await Promise.all([context.scope(), context.appArmorProfile()])
  await startContainer({ machine, parts, record, scope, appArmorProfile, timeoutMs }, link, call)
}

async function inspect({ machine, parts }: ContainersContext, { record, folder }: Found): Promise<DriverState> {
  const run = await readRunState(machine, folder)
  const address = run.pid === null ? null : await parts.network.address(toNetworkRequest(parts.store, record), run.pid)
  return toDriverState(record, run, address)
}

async function list(
  { machine, parts }: ContainersContext,
  labels: Readonly<Record<string, string>>,
): Promise<readonly DriverSummary[]> {
  const folders = await machine.listDirectory(parts.store.containersFolder)
  if (folders.status === 'absent') return []
  if (folders.status !== 'ok') throw new RootlessError('HOST_REFUSED', folders.reason, { engine: 'lxc' })
  const listed = await Promise.all(
    folders.value.map(async (id): Promise<DriverSummary | null> => {
      const folder = posix.join(parts.store.containersFolder, id)
      const record = await readRecord(machine, folder)
      if (record === null || !Object.entries(labels).every(([name, value]) => record.labels[name] === value)) return null
      return toSummary(record, await readRunState(machine, folder))
    }),
  )
  return listed.filter((state) => state !== null)
}

/**
 * Asks as little as can be before the command: what lxc-attach refuses is looked into afterwards. Its record is remembered, as
 * nothing in it changes.
 */
async function exec(context: ContainersContext, find: Find, id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess> {
  const { machine, parts, records, timeoutMs } = context
  const { containersFolder } = parts.store
  throwIfAborted(call.signal)
  const [paused, scope, record] = await Promise.all([
    machine.status(posix.join(containersFolder, id, CONTAINER_FILES.paused)),
    context.scope(),
    records.get(id) ?? find(id, call).then((found) => found.record),
  ])
  // lxc-attach hangs at the door of a frozen container.
  if (paused.status === 'ok') throw toNotRunning(record.name)
  if (record.lines !== null) records.set(id, record)
  const user = await readUser({ parts, record }, plan.user ?? record.user)
  const folder = posix.join(containersFolder, id)
  // As it was when it was asked.
  const run = readRunState(machine, folder)
  run.catch(() => {})
  const explain = async (error: RootlessError): Promise<number> => {
    if (error.code !== 'NOT_RUNNING') throw error
    await find(id, {})
    // It ran, and took its commands along, this one before its first step.
    if ((await run).status === 'running') return KILLED
    throw error
  }
  return await attachCommand({ machine, containersFolder, record, plan, user, scope: scope.attach, timeoutMs, explain })
}

async function* logs(
  { machine, supervisors }: ContainersContext,
  find: Find,
  id: string,
  options: Parameters<ContainerDriver['logs']>[1],
): ReturnType<ContainerDriver['logs']> {
  const { folder } = await find(id, options)
  yield* readLog({ machine, folder, ended: (signal) => waitForEnd({ machine, supervisors }, folder, { signal }) }, options)
}

async function readRunningPid({ machine }: ContainersContext, { record, folder }: Found): Promise<number> {
  const { pid } = await readRunState(machine, folder)
  if (pid === null) throw toNotRunning(record.name)
  return pid
}

async function pause(context: ContainersContext, found: Found, tool: 'lxc-freeze' | 'lxc-unfreeze'): Promise<void> {
  await readRunningPid(context, found)
  await freeze(toControl(context, found), tool)
  const { id, name } = found.record
  await noteEvent(context.machine, toRoot(context), { event: tool === 'lxc-freeze' ? 'paused' : 'resumed', id, name })
}

function toControl({ machine, parts, timeoutMs }: ContainersContext, { record: { id, name } }: Found): ControlRequest {
  return { machine, timeoutMs, id, name, containersFolder: parts.store.containersFolder }
}

async function remove(context: ContainersContext, { record, folder }: Found): Promise<void> {
  const { status } = await readRunState(context.machine, folder)
  if (status === 'running' || status === 'paused') {
    throw new RootlessError('STILL_RUNNING', `${printable(record.name)} is ${status}`, { engine: 'lxc' })
  }
  context.records.delete(record.id)
  await discard(context, record)
  await noteEvent(context.machine, toRoot(context), { event: 'removed', id: record.id, name: record.name })
}

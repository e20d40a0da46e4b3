import { posix } from 'node:path'
import { printable, RootlessError, type Call, type ContainerPlan, type Machine } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { discard } from './lxc-discard.ts'
import { noteEvent } from './lxc-events.ts'
import { throwIfAborted } from './lxc-mapped.ts'
import type { LxcParts } from './lxc-parts.ts'
import { readRecord, toNetworkRequest, toRecord, toRootfsOf, writeRecord, type LxcRecord } from './lxc-record.ts'
import type { SupervisorDoor } from './lxc-supervise.ts'

/** What containers are made and removed with. */
export interface CreateContext {
  readonly machine: Machine
  readonly parts: LxcParts
  readonly supervisors: SupervisorDoor
  readonly timeoutMs: number
  idMaps(): Promise<readonly IdMap[]>
}

const ID_BYTES = 8
/** Others may pass: the mapped root has to reach its root file system. */
const PASSABLE = 0o711

/** The folder of all our things, and in it the file that a name is taken by. */
export function toRoot({ parts }: Pick<CreateContext, 'parts'>): string {
  return posix.dirname(parts.store.containersFolder)
}

export function toNameFile(context: Pick<CreateContext, 'parts'>, name: string): string {
  return posix.join(toRoot(context), 'names', name)
}

export function createId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(ID_BYTES))).toString('hex')
}

/**
 * Makes a container. Its record is the first thing of it, so that whatever ends this process in the middle leaves something that is
 * listed and can be removed. `onFolder` is called as soon as there is a folder.
 */
export async function makeContainer(
  context: CreateContext,
  plan: ContainerPlan,
  call: Call,
  onFolder: (folder: string) => void,
): Promise<LxcRecord> {
  const { machine, parts } = context
  const [image, base] = await Promise.all([parts.images.find(plan.image), context.idMaps(), parts.store.prepare()])
  const record = toRecord(createId(), plan, image)
  const folder = await makeFolder(context, record)
  try {
    await takeName(context, record)
    onFolder(folder)
    const mapped: LxcRecord = { ...record, idMaps: await parts.mounts.toIdMaps(plan, image, base) }
    // What is asked of the parts is kept first: they are asked to remove it, whatever they had made of it.
    await writeRecord(machine, folder, mapped)
    const whole: LxcRecord = { ...mapped, lines: await askParts(context, plan, mapped, call) }
    await writeRecord(machine, folder, whole)
    await noteEvent(machine, toRoot(context), { event: 'created', id: record.id, name: record.name })
    return whole
  } catch (error) {
    await discard(context, (await readRecord(machine, folder)) ?? record)
    throw error
  }
}

/** In one step: no folder of a container is without its record. */
async function makeFolder(context: CreateContext, record: LxcRecord): Promise<string> {
  const { files } = context.machine
  const folder = context.parts.store.containerFolder(record.id)
  const beside = posix.join(toRoot(context), 'work', `${process.pid}-new-${record.id}`)
  await files.makeDirectory(beside, { mode: PASSABLE })
  try {
    await writeRecord(context.machine, beside, record)
    await files.rename(beside, folder)
    return folder
  } catch (error) {
    await files.remove(beside)
    throw error
  }
}

async function askParts(
  { parts }: CreateContext,
  plan: ContainerPlan,
  record: LxcRecord,
  call: Call,
): Promise<readonly string[]> {
  const of = toRootfsOf(parts.store, record, null)
  const { imageId, idMaps } = record
  const [network, rootfs] = await Promise.allSettled([
    parts.network.prepare(toNetworkRequest(parts.store, record), call),
    parts.rootfs.make({ imageId, idMaps, containerFolder: of.containerFolder, readOnlyRoot: plan.readOnlyRoot }, call),
  ])
  // Both have ended: what one of them made is not removed while the other still makes something.
  if (network.status === 'rejected') throw network.reason
  if (rootfs.status === 'rejected') throw rootfs.reason
  throwIfAborted(call.signal)
  return [...rootfs.value, ...(await parts.mounts.prepare(plan, of, call)), ...network.value]
}

/** @throws RootlessError `NAME_IN_USE` */
async function takeName(context: CreateContext, { id, name }: LxcRecord): Promise<void> {
  const { machine, parts } = context
  const file = toNameFile(context, name)
  await machine.files.makeDirectory(posix.dirname(file))
  for (let isSecond = false; ; isSecond = true) {
    if (await machine.files.writeNew(file, id)) return
    const owner = await machine.readText(file)
    const folder = owner.status === 'ok' && owner.value !== '' ? parts.store.containerFolder(posix.basename(owner.value)) : null
    const holder = folder === null ? null : await readRecord(machine, folder)
    if (holder?.name === name || isSecond) {
      throw new RootlessError('NAME_IN_USE', `a container is named ${printable(name)} already`, { engine: 'lxc' })
    }
    // Whoever had it was removed, and the process that did so ended before it gave the name back.
    await machine.files.remove(file)
  }
}

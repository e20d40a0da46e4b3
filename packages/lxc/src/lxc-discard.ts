import { posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { printable, RootlessError, type Machine } from '@rootless-runtime/core'
import { toNameFile, toRoot, type CreateContext } from './lxc-create.ts'
import { CONTAINER_FILES } from './lxc-messages.ts'
import { readStartTicks } from './lxc-notes.ts'
import { endServers } from './lxc-servers.ts'
import { readRecord, toNetworkRequest, toRootfsOf, type LxcRecord } from './lxc-record.ts'

const LOOK_MS = 10

/** Removes everything of a container. What cannot be removed stays listed; one that another process is removing is waited for. */
export async function discard(context: CreateContext, record: LxcRecord): Promise<void> {
  const { machine, parts, timeoutMs } = context
  const folder = parts.store.containerFolder(record.id)
  const until = Date.now() + timeoutMs
  while (!(await takeOver(machine, folder))) {
    if ((await readRecord(machine, folder)) === null) return
    if (Date.now() > until) {
      throw new RootlessError('ENGINE_TIMEOUT', `another process is removing ${printable(record.name)}, and does not end`, {
        engine: 'lxc',
      })
    }
    await sleep(LOOK_MS)
  }
  try {
    await removeParts(context, record)
  } finally {
    // After a failure the next one may try.
    await machine.files.remove(posix.join(folder, CONTAINER_FILES.removing))
  }
}

/** Whether this process is the one that removes it: two at once would find each other's half-removed files. */
async function takeOver(machine: Machine, folder: string): Promise<boolean> {
  if ((await machine.status(folder)).status === 'absent') return false
  const path = posix.join(folder, CONTAINER_FILES.removing)
  const own = `${process.pid}:${await readStartTicks(machine, process.pid)}:${(taken += 1)}`
  if (await writeMark(machine, path, own)) return true
  const other = await machine.readText(path)
  if (other.status !== 'ok') return false
  const [pid, startTicks] = other.value.split(':').map(Number)
  if (pid === undefined || (await readStartTicks(machine, pid)) === startTicks) return false
  await machine.files.remove(path)
  return await writeMark(machine, path, own)
}

async function writeMark(machine: Machine, path: string, own: string): Promise<boolean> {
  try {
    return await machine.files.writeNew(path, own)
  } catch (error) {
    // On a full disk removing is what helps, and no mark can be made: two at once are the smaller harm.
    return error instanceof RootlessError && (error.evidence === 'ENOSPC' || error.evidence === 'EDQUOT')
  }
}

let taken = 0

async function removeParts(context: CreateContext, record: LxcRecord): Promise<void> {
  const { machine, parts, supervisors } = context
  const folder = parts.store.containerFolder(record.id)
  await supervisors.end(folder)
  await endServers(machine, record.id, folder)
  await parts.network.remove(toNetworkRequest(parts.store, record))
  await parts.mounts.remove(toRootfsOf(parts.store, record, null))
  await parts.rootfs.remove(folder)
  const file = toNameFile(context, record.name)
  const owner = await machine.readText(file)
  if (owner.status === 'ok' && owner.value === record.id) await machine.files.remove(file)
  // In one step, and last, it is no container any more: what a process that dies before leaves is listed.
  const gone = posix.join(toRoot(context), 'work', `${process.pid}-gone-${record.id}`)
  await machine.files.rename(folder, gone)
  await machine.files.remove(gone)
}

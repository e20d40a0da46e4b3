import { RootlessError, type Machine } from '@rootless-runtime/core'
import { CONTAINER_FILES, type EndNote, type StartedNote, type SupervisorNote } from './lxc-messages.ts'

/** Notes of our own about a container, as JSON in its folder. One that is not there, or was not written by us, is `null`. */
export async function readNote(machine: Machine, path: string): Promise<Readonly<Record<string, unknown>> | null> {
  const answer = await machine.readText(path)
  if (answer.status === 'absent') return null
  if (answer.status !== 'ok') throw new RootlessError('HOST_REFUSED', `cannot read ${path}: ${answer.reason}`, { engine: 'lxc' })
  return parseNote(answer.value)
}

export function parseNote(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? { ...found } : null
  } catch {
    return null
  }
}

export async function readStartedNote(machine: Machine, folder: string): Promise<StartedNote | null> {
  const note = await readNote(machine, `${folder}/${CONTAINER_FILES.started}`)
  const { startedAt, pid, startTicks, bootId } = note ?? {}
  if (typeof startedAt !== 'number' || typeof pid !== 'number') return null
  return typeof startTicks === 'number' && typeof bootId === 'string' ? { startedAt, pid, startTicks, bootId } : null
}

export async function readEndNote(machine: Machine, folder: string): Promise<EndNote | null> {
  const note = await readNote(machine, `${folder}/${CONTAINER_FILES.end}`)
  const { startedAt, endedAt, exitCode, outOfMemoryKills = null } = note ?? {}
  if (typeof startedAt !== 'number' || typeof endedAt !== 'number' || typeof exitCode !== 'number') return null
  return { startedAt, endedAt, exitCode, outOfMemoryKills: typeof outOfMemoryKills === 'number' ? outOfMemoryKills : null }
}

export async function readSupervisorNote(machine: Machine, folder: string): Promise<SupervisorNote | null> {
  const note = await readNote(machine, `${folder}/${CONTAINER_FILES.supervisor}`)
  const { pid, startTicks } = note ?? {}
  if (typeof pid !== 'number' || typeof startTicks !== 'number') return null
  return (await readStartTicks(machine, pid)) === startTicks ? { pid, startTicks } : null
}

/** Clock ticks from the boot to the start of a process, field 22 of /proc/PID/stat; `null` for one that is gone. */
export async function readStartTicks(machine: Machine, pid: number): Promise<number | null> {
  const answer = await machine.readText(`/proc/${pid}/stat`)
  if (answer.status !== 'ok') return null
  const fields = answer.value.slice(answer.value.lastIndexOf(')') + 2).split(' ')
  // A zombie has ended: only its parent has not looked yet.
  return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19])
}

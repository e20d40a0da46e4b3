import type { Machine } from '../system.ts'

/** The label that every container of this library carries. */
export const MANAGED_LABEL = 'rootless-runtime.managed'
/** The label that says who owns a container. */
export const OWNER_LABEL = 'rootless-runtime.owner'
/** The label by which a container is found whose engine died before it told its id: one for each call of `create`. */
export const CREATION_LABEL = 'rootless-runtime.creation'
/** Labels that begin so are ours. */
export const LABEL_PREFIX = 'rootless-runtime.'

const NOBODY = 'nobody'

/** A process of this boot: a number alone is given again to others. */
export interface Owner {
  readonly pid: number
  /** Clock ticks from the boot to its start, field 22 of /proc/PID/stat, proc(5). */
  readonly startTicks: number
  readonly bootId: string
}

/** This process, as others find it in /proc; `null` when /proc cannot be read. */
export async function readOwner(machine: Machine): Promise<Owner | null> {
  const [stat, bootId] = await Promise.all([machine.readText('/proc/self/stat'), readBootId(machine)])
  const process = stat.status === 'ok' ? parseStat(stat.value) : null
  return process === null || bootId === null ? null : { ...process, bootId }
}

async function readBootId(machine: Machine): Promise<string | null> {
  const answer = await machine.readText('/proc/sys/kernel/random/boot_id')
  return answer.status === 'ok' ? answer.value.trim() : null
}

/** The number and the start time of a line of /proc/PID/stat; the name in it may hold blanks and brackets. */
export function parseStat(text: string): { readonly pid: number; readonly startTicks: number } | null {
  const close = text.lastIndexOf(')')
  const pid = Number.parseInt(text, 10)
  const startTicks = Number.parseInt(text.slice(close + 2).split(' ')[19] ?? '', 10)
  return close === -1 || !Number.isInteger(pid) || !Number.isInteger(startTicks) ? null : { pid, startTicks }
}

/** The value of the owner's label. A container whose owner could not be read is nobody's: no sweep takes it. */
export function toOwnerLabel(owner: Owner | null): string {
  return owner === null ? NOBODY : `${owner.pid}:${owner.startTicks}:${owner.bootId}`
}

/** The owner of a label; `null` for nobody and for what cannot be read. */
export function parseOwnerLabel(label: string | undefined): Owner | null {
  const match = /^(\d{1,10}):(\d{1,20}):([0-9a-f-]{36})$/u.exec(label ?? '')
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return null
  return { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3] }
}

/** Whether the owner has surely ended. What cannot be looked at is alive. */
export async function hasEnded(owner: Owner, machine: Machine): Promise<boolean> {
  const bootId = await readBootId(machine)
  if (bootId === null) return false
  if (bootId !== owner.bootId) return true
  const stat = await machine.readText(`/proc/${owner.pid}/stat`)
  if (stat.status === 'absent') return true
  if (stat.status !== 'ok') return false
  const process = parseStat(stat.value)
  return process !== null && process.startTicks !== owner.startTicks
}

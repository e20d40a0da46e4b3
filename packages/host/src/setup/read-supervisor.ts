import type { System } from '@rootless-runtime/core'
import type { SetupUser } from './setup-plan.ts'
import { toUserPlaces } from './user-places.ts'

/**
 * The process id of our running supervisor, and `null` when there is none.
 *
 * A pid file alone proves nothing, for ids are used again: the process must be the user's and must run our script.
 */
export async function readSupervisor(system: System, user: SetupUser): Promise<number | null> {
  const { supervisorPidFile, supervisorScript } = toUserPlaces(user)
  const status = await system.status(supervisorPidFile)
  if (status.status !== 'ok' || status.value.kind !== 'file' || status.value.uid !== user.uid) return null
  const text = await system.readText(supervisorPidFile, { maximumBytes: 64 })
  if (text.status !== 'ok' || !/^[1-9]\d{0,9}\n?$/u.test(text.value)) return null
  const pid = Number(text.value)
  return (await isSupervisor(system, user, pid, supervisorScript)) ? pid : null
}

async function isSupervisor(system: System, user: SetupUser, pid: number, script: string): Promise<boolean> {
  const [owner, commandLine] = await Promise.all([system.status(`/proc/${pid}`), system.readText(`/proc/${pid}/cmdline`)])
  if (owner.status !== 'ok' || owner.value.uid !== user.uid || commandLine.status !== 'ok') return false
  const words = commandLine.value.split('\0')
  return words[1] === script && words[2] === 'run'
}

import { known, type Fact } from '../fact.ts'
import type { Machine } from '../system.ts'
import type { DriverState } from './driver.ts'

/** systemd's own id of "A process of this unit has been killed by the OOM killer" (sd-messages.h, 245 and later). */
const KILLED_MESSAGE = 'fe6faa94e7774663a0da52717891d8ef'
const TIMEOUT_MS = 10_000

/**
 * Whether a container's process was killed for memory, where its engine does not tell. Its cgroup, which counts the kills, is gone
 * when it has ended; systemd, which keeps the scope that the cgroup is, wrote each into the user's journal before. A journal that has
 * nothing, or that this user may not read, proves nothing: what was unknown stays so.
 */
export async function findMemoryKill(
  machine: Pick<Machine, 'run'>,
  scope: string,
  { startedAt, outOfMemory }: Pick<DriverState, 'startedAt' | 'outOfMemory'>,
): Promise<Fact<boolean>> {
  if (outOfMemory.status === 'known' || startedAt === null) return outOfMemory
  const words = ['--user', '--quiet', '--no-pager', '--reverse', '--lines=1', '--output=short-unix']
  const answer = await machine.run({
    file: 'journalctl',
    arguments: [...words, `MESSAGE_ID=${KILLED_MESSAGE}`, `USER_UNIT=${scope}`],
    timeoutMs: TIMEOUT_MS,
  })
  const killedAt = answer.status === 'exited' ? toLastKill(answer.stdout) : null
  // One of a run before is no kill of this one.
  if (killedAt === null || killedAt < startedAt) return outOfMemory
  return known(true, `the journal: ${scope}: A process of this unit has been killed by the OOM killer.`)
}

// `1795611477.819742 host systemd[302]: ...`
function toLastKill(lines: string): Date | null {
  const [, seconds] = /^(\d+\.\d+) /u.exec(lines) ?? []
  return seconds === undefined ? null : new Date(Number(seconds) * 1000)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { RootlessError, type Call, type Machine } from '@rootless-runtime/core'
import { unlessAborted } from './lxc-abort.ts'
import { toGone } from './lxc-refusals.ts'
import { readRunState } from './lxc-state.ts'
import { decodeEvent, type SupervisorDoor, type SupervisorLink } from './lxc-supervise.ts'

/** Between two looks at a container whose supervisor is gone. */
const LOOK_MS = 100

/** The exit code, as soon as the container has ended. @throws RootlessError `NOT_RUNNING` for one that was never started, `ENGINE_GONE` */
export async function waitForEnd(
  { machine, supervisors }: { readonly machine: Machine; readonly supervisors: SupervisorDoor },
  folder: string,
  { signal }: Call,
): Promise<number> {
  for (;;) {
    const run = await unlessAborted(readRunState(machine, folder), signal)
    if (run.status === 'created') throw new RootlessError('NOT_RUNNING', 'it was never started', { engine: 'lxc' })
    if (run.status === 'ended') {
      if (run.exitCode !== null) return run.exitCode
      throw toGone('the supervisor of the container was ended by force; nobody knows its exit code')
    }
    const link = await supervisors.find(folder)
    const exitCode = link === null ? null : await waitAt(link, signal)
    if (exitCode !== null) return exitCode
    if (link === null) await unlessAborted(sleep(LOOK_MS), signal)
  }
}

/** What the supervisor says of the end; `null` when it goes away without. */
async function waitAt(link: SupervisorLink, signal: AbortSignal | undefined): Promise<number | null> {
  const told = Promise.withResolvers<number | null>()
  link.listen((frame) => {
    const event = frame === null ? null : decodeEvent(frame)
    if (frame === null) told.resolve(null)
    else if (event?.event === 'ended') told.resolve(event.exitCode)
  })
  link.ask({ do: 'wait' })
  try {
    return await unlessAborted(told.promise, signal)
  } finally {
    link.close()
  }
}

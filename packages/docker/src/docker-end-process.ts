import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine } from '@rootless-runtime/core'

/** What Docker says of a command inside. */
export interface ExecProcess {
  readonly Running: boolean
  /** `null` before its end, and before its start. */
  readonly ExitCode: number | null
  /** Of the host: rootless Docker has no PID namespace of its own. 0 before the command was started. */
  readonly Pid: number
}

/** Ends a process of a container, by its number outside, and every process of its group. */
export type EndProcess = (pid: number) => Promise<void>

const PATIENCE_MS = 5000
/** A start that was sent may still be on its way when its caller gives up. */
const START_MS = 500

/**
 * Docker has no call that ends a command inside. Its process belongs to an id of the user namespace that is this user's: whoever
 * enters that namespace, as nsenter(1) does, may end it, whatever user it runs as. runc gives each command a session, and so a
 * group, of its own.
 */
export function createEndProcess(machine: Pick<Machine, 'run'>): EndProcess {
  return async (pid) => {
    const target = ['--target', String(pid), '--user', '--preserve-credentials']
    await machine.run({ file: 'nsenter', arguments: [...target, '--', 'kill', '-KILL', '--', `-${pid}`], timeoutMs: PATIENCE_MS })
  }
}

/**
 * Ends a command that its caller has given up, when it runs or is about to. The caller is told of his own signal; what could not
 * be ended, as the engine or the container is gone, ends with these.
 */
export async function endCommand(inspect: () => Promise<ExecProcess>, endProcess: EndProcess): Promise<void> {
  const over = new AbortController()
  try {
    // A hung engine is not waited for longer.
    const patience = sleep(PATIENCE_MS, undefined, { signal: over.signal })
    await Promise.race([endWhenFound(inspect, endProcess), patience])
  } catch {
    // Told above.
  } finally {
    over.abort()
  }
}

async function endWhenFound(inspect: () => Promise<ExecProcess>, endProcess: EndProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += 20) {
    const { Running, ExitCode, Pid } = await inspect()
    if (Running && Pid > 0) return await endProcess(Pid)
    if (!Running && (ExitCode !== null || waitedMs > START_MS)) return
    await sleep(20)
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'

/** Ends the command of an exec session, whose caller has given it up. */
export type EndCommand = (session: string) => Promise<void>

const state = z.object({ Running: z.boolean(), ExitCode: z.number(), Pid: z.number() })
const TIMEOUT_MS = 5000
const LOOK_MS = 20
/** A start that was sent may still be on its way when its caller gives up. */
const START_MS = 500

/**
 * Podman has no call that ends a command inside. Its process belongs to an id of the user namespace that is this user's: whoever
 * enters that namespace, as nsenter(1) does, may end it, whatever user it runs as. The caller is told of his own signal; what could
 * not be ended, as the service or the container is gone, ends with these.
 */
export function createEndCommand(api: PodmanApi, machine: Pick<Machine, 'run'>): EndCommand {
  return async (session) => {
    const what = 'end a command inside'
    try {
      for (let waitedMs = 0; waitedMs < TIMEOUT_MS; waitedMs += LOOK_MS) {
        const { Running, Pid } = state.parse(await api.ask({ method: 'GET', path: `/exec/${session}/json`, what }, {}))
        if (Running && Pid > 0) return await kill(machine, Pid)
        if (!Running && waitedMs > START_MS) return
        await sleep(LOOK_MS)
      }
    } catch {
      // Told above.
    }
  }
}

async function kill(machine: Pick<Machine, 'run'>, pid: number): Promise<void> {
  const enter = ['--target', String(pid), '--user', '--preserve-credentials', '--', 'kill', '-KILL', '--']
  // The runtime gives each command a session, and so a group, of its own.
  await machine.run({ file: 'nsenter', arguments: [...enter, `-${pid}`], timeoutMs: TIMEOUT_MS })
}

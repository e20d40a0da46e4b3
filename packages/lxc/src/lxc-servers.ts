import { posix } from 'node:path'
import type { Machine } from '@rootless-runtime/core'
import { PASTA_PID_FILE, SLIRP_PID_FILE } from './lxc-messages.ts'

const KILL_MS = 5000

/**
 * Ends what serves the network of a container that does not run, though whoever started it died before the supervisor was told. A
 * program that begins only now finds nothing to serve, and ends by itself.
 */
export async function endServers(machine: Machine, containerId: string, containerFolder: string): Promise<void> {
  for (const name of [SLIRP_PID_FILE, PASTA_PID_FILE]) {
    const written = await machine.readText(posix.join(containerFolder, name))
    const pid = written.status === 'ok' ? Number.parseInt(written.value, 10) : Number.NaN
    const words = Number.isInteger(pid) ? await machine.readText(`/proc/${pid}/cmdline`) : null
    // The number may be another's by now.
    if (words?.status !== 'ok' || !words.value.includes(containerId)) continue
    await machine.run({ file: 'kill', arguments: ['-KILL', '--', String(pid)], timeoutMs: KILL_MS })
  }
}

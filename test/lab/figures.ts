import { readdirSync, readFileSync } from 'node:fs'
import type { Guest } from './guest.ts'

/** One command of each engine. */
const COMMANDS = ['docker run --rm busybox true', 'podman run --rm busybox true', 'lxc-info -n c0'] as const

/** Memory of a guest's qemu that is resident, in MiB. */
export function readResidentMebibytes({ address }: Guest): number {
  const pid = readdirSync('/proc').find((name) => {
    try {
      return /^\d+$/u.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${address.folder}/monitor`)
    } catch {
      return false
    }
  })
  const kibibytes = /^VmRSS:\s+(\d+)/mu.exec(readFileSync(`/proc/${pid ?? 'none'}/status`, 'utf8'))?.[1]
  return Math.round(Number(kibibytes) / 1024)
}

/** What each command takes the second time, in seconds, the way into the guest included. A refusal has its time too. */
export async function timeCommands(guest: Guest): Promise<Readonly<Record<string, number>>> {
  const times: Record<string, number> = {}
  for (const line of COMMANDS) {
    await guest.run(line)
    const started = performance.now()
    await guest.run(line)
    times[line] = (performance.now() - started) / 1000
  }
  return times
}

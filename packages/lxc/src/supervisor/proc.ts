import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { PASTA_PID_FILE, SLIRP_PID_FILE } from '../lxc-messages.ts'

/** Clock ticks from the boot to the start of a process, field 22 of /proc/PID/stat; `null` for one that is gone. */
export function readStartTicks(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in brackets may hold blanks and brackets.
    const ticks = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19])
    return Number.isInteger(ticks) ? ticks : null
  } catch {
    return null
  }
}

/** A process that will be ended later, if it is still the same one. */
export interface KnownProcess {
  readonly pid: number
  readonly startTicks: number
}

export function toKnownProcess(pid: number): readonly KnownProcess[] {
  const startTicks = readStartTicks(pid)
  return startTicks === null ? [] : [{ pid, startTicks }]
}

export function endProcess({ pid, startTicks }: KnownProcess): void {
  try {
    if (readStartTicks(pid) === startTicks) process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended in the meantime.
  }
}

/** What serves the network of the container, whose folder this process stands in, though nobody told of it: who started it has died. */
export function endServers(): void {
  for (const file of [SLIRP_PID_FILE, PASTA_PID_FILE]) {
    try {
      const pid = Number.parseInt(readFileSync(file, 'latin1'), 10)
      // The number may be another's by now.
      if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(basename(process.cwd()))) process.kill(pid, 'SIGKILL')
    } catch {
      // There is none, or it has ended.
    }
  }
}

/**
 * LXC's monitor with everything that it started: its first process gets SIGKILL by the kernel when it dies. At a terminal there is
 * script(1) before it, and the monitor in a session of its own.
 */
export function killTree(pid: number): void {
  for (const one of [...listChildren(pid), pid]) {
    try {
      process.kill(-one, 'SIGKILL')
    } catch {
      // No group of its own, or it has ended.
    }
  }
}

function listChildren(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return text === '' ? [] : text.split(' ').map(Number)
  } catch {
    return []
  }
}

/** The terminal that the child of a process has as its stdin. */
export function readChildTerminal(pid: number): string | null {
  try {
    const path = readlinkSync(`/proc/${listChildren(pid)[0] ?? ''}/fd/0`)
    return path.startsWith('/dev/pts/') ? path : null
  } catch {
    return null
  }
}

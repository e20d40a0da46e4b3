import { readFileSync, readlinkSync } from 'node:fs'

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

/** The terminal that the child of a process has as its stdin. */
export function readChildTerminal(pid: number): string | null {
  try {
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]
    const path = readlinkSync(`/proc/${child ?? ''}/fd/0`)
    return path.startsWith('/dev/pts/') ? path : null
  } catch {
    return null
  }
}

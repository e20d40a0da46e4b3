import { constants } from 'node:os'

/** The lines of /proc/PID/status that say what becomes of a signal: proc(5). */
const MASKS = ['SigCgt', 'SigBlk'] as const

/**
 * Whether a signal does anything to the first process of a pid namespace, by its /proc/PID/status: the kernel throws away what it
 * has no handler for, unless it is blocked and waited for (pid_namespaces(7), sig_ignored in kernel/signal.c).
 */
export function hearsSignal(status: string, name: NodeJS.Signals): boolean {
  const bit = 1n << BigInt(constants.signals[name] - 1)
  const masks = MASKS.map((mask) => new RegExp(`^${mask}:\\s*([0-9a-f]{16})$`, 'mu').exec(status)?.[1])
  // Unreadable: it may well hear it.
  if (masks.includes(undefined)) return true
  return masks.some((mask) => (BigInt(`0x${mask}`) & bit) !== 0n)
}

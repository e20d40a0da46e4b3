import { posix } from 'node:path'
import type { ContainerEvent } from '@rootless-runtime/core'

/**
 * What happens is appended to a file of the day, by whoever does it: lxc-monitor tells neither a time nor of what is created and
 * removed, and leaves a daemon behind.
 */
export function toEventsFolder(root: string): string {
  return posix.join(root, 'events')
}

/** The file of a day, as `2026-11-25.log`. */
export function toEventsFile(time: Date): string {
  return `${time.toISOString().slice(0, 10)}.log`
}

export function encodeEvent(event: ContainerEvent): string {
  return `${JSON.stringify({ ...event, time: event.time.getTime() })}\n`
}

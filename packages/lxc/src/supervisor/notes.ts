import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { ContainerEvent } from '@rootless-runtime/core'
import { CONTAINER_FILES, type EndNote, type StartedNote } from '../lxc-messages.ts'
import { encodeEvent, toEventsFile, toEventsFolder } from '../lxc-event-lines.ts'
import { readStartTicks } from './proc.ts'
import { writeNote } from './write-note.ts'

/** Gives the time of the start, in milliseconds. */
export function noteStart(pid: number): number {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const note: StartedNote = { startedAt: Date.now(), pid, startTicks: readStartTicks(pid) ?? 0, bootId }
  writeNote(CONTAINER_FILES.started, note)
  noteEvent('started', note.startedAt)
  return note.startedAt
}

export function noteEnd(startedAt: number, exitCode: number): void {
  const note: EndNote = { startedAt, endedAt: Date.now(), exitCode, outOfMemoryKills: readKills() }
  writeNote(CONTAINER_FILES.end, note)
  noteEvent('ended', note.endedAt)
}

/** Two folders above the container's. What cannot be told changes nothing for the container. */
function noteEvent(event: ContainerEvent['event'], atMs: number): void {
  try {
    const record: unknown = JSON.parse(readFileSync(CONTAINER_FILES.record, 'utf8'))
    if (typeof record !== 'object' || record === null || !('id' in record) || !('name' in record)) return
    const time = new Date(atMs)
    const folder = toEventsFolder('../..')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    appendFileSync(
      `${folder}/${toEventsFile(time)}`,
      encodeEvent({ event, id: String(record.id), name: String(record.name), time }),
      {
        mode: 0o600,
      },
    )
  } catch (error) {
    process.stderr.write(`the event ${event} is not told: ${String(error)}\n`)
  }
}

/** What the stop hook kept of the cgroup's memory.events; there is none without a cgroup of the container's own. */
function readKills(): number | null {
  try {
    const kills = /^oom_kill (\d+)$/mu.exec(readFileSync(CONTAINER_FILES.memoryEvents, 'utf8'))?.[1]
    return kills === undefined ? null : Number(kills)
  } catch {
    return null
  }
}

/** Where its memory is counted, for the hook that reads it when the container has ended. */
export function noteCgroup(pid: number): void {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  const legacy = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/mu.exec(groups)?.[1]
  const unified = /^0::(.*)$/mu.exec(groups)?.[1] ?? ''
  const folder = legacy === undefined ? `/sys/fs/cgroup${unified}` : `/sys/fs/cgroup/memory${legacy}`
  writeFileSync(CONTAINER_FILES.cgroup, `${folder}\n`, { mode: 0o600 })
}

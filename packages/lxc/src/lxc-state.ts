import {
  known,
  unknownFact,
  type ContainerStatus,
  type DriverState,
  type DriverSummary,
  type Fact,
  type Machine,
} from '@rootless-runtime/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEngineLog } from './lxc-engine-log.ts'
import { CONTAINER_FILES, type EndNote, type StartedNote } from './lxc-messages.ts'
import { readEndNote, readStartedNote, readStartTicks, readSupervisorNote } from './lxc-notes.ts'
import type { LxcRecord } from './lxc-record.ts'

/** Whether a container runs, and how it ended. */
export interface RunState {
  readonly status: ContainerStatus
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly exitCode: number | null
  readonly outOfMemory: Fact<boolean>
  readonly pid: number | null
}

const NEVER_ENDED = unknownFact('it has not ended', CONTAINER_FILES.end)
/** A supervisor writes the end down as soon as the last output was read. */
const NOTE_MS = 2500
const POLL_MS = 5

/** Asks the kernel whether the first process lives: no note of ours says that something runs. */
export async function readRunState(machine: Machine, folder: string): Promise<RunState> {
  const started = await readStartedNote(machine, folder)
  if (started === null) {
    return { status: 'created', startedAt: null, endedAt: null, exitCode: null, outOfMemory: NEVER_ENDED, pid: null }
  }
  if (await isAlive(machine, started)) {
    const paused = await machine.status(`${folder}/${CONTAINER_FILES.paused}`)
    return {
      status: paused.status === 'ok' ? 'paused' : 'running',
      startedAt: started.startedAt,
      endedAt: null,
      exitCode: null,
      outOfMemory: NEVER_ENDED,
      pid: started.pid,
    }
  }
  return toEnded(started, await readEnd(machine, folder, started))
}

async function isAlive(machine: Machine, { pid, startTicks, bootId }: StartedNote): Promise<boolean> {
  if ((await readStartTicks(machine, pid)) !== startTicks) return false
  const boot = await machine.readText('/proc/sys/kernel/random/boot_id')
  return boot.status === 'ok' && boot.value.trim() === bootId
}

async function readEnd(machine: Machine, folder: string, started: StartedNote): Promise<EndNote | null> {
  const until = Date.now() + NOTE_MS
  for (;;) {
    const end = await readEndNote(machine, folder)
    if (end?.startedAt === started.startedAt) return end
    if (Date.now() > until || (await readSupervisorNote(machine, folder)) === null) break
    await sleep(POLL_MS)
  }
  return await recoverEnd(machine, folder, started)
}

/** A supervisor that was killed wrote nothing down; LXC's own log still says how the container ended, and its last line when. */
async function recoverEnd(machine: Machine, folder: string, { startedAt, pid }: StartedNote): Promise<EndNote | null> {
  // It may have written it and ended between the two looks.
  const end = await readEndNote(machine, folder)
  if (end?.startedAt === startedAt) return end
  const log = await machine.readText(`${folder}/${CONTAINER_FILES.engineLog}`)
  if (log.status !== 'ok') return null
  const { startedPid, exitCode, lastAt } = parseEngineLog(log.value)
  if (startedPid !== pid || lastAt === null) return null
  return { startedAt, endedAt: lastAt, exitCode, outOfMemoryKills: null }
}

function toEnded({ startedAt }: StartedNote, end: EndNote | null): RunState {
  const kills = end?.outOfMemoryKills ?? null
  return {
    status: 'ended',
    startedAt,
    endedAt: end?.endedAt ?? null,
    exitCode: end?.exitCode ?? null,
    outOfMemory:
      kills === null
        ? unknownFact('the container had no memory limit in a cgroup of its own', CONTAINER_FILES.memoryEvents)
        : known(kills > 0, CONTAINER_FILES.memoryEvents),
    pid: null,
  }
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time)
}

export function toSummary(record: LxcRecord, { status, exitCode }: RunState): DriverSummary {
  const { id, name, image, imageId, command, labels, createdAt } = record
  return {
    id,
    name,
    status,
    image,
    imageId,
    commandLine: command.join(' '),
    labels,
    createdAt: new Date(createdAt),
    exitCode,
  }
}

export function toDriverState(record: LxcRecord, run: RunState, address: string | null): DriverState {
  const { id, name, image, imageId, command, labels, terminal, stopSignal } = record
  return {
    id,
    name,
    status: run.status,
    image,
    imageId,
    command,
    labels,
    createdAt: new Date(record.createdAt),
    startedAt: toDate(run.startedAt),
    endedAt: toDate(run.endedAt),
    exitCode: run.exitCode,
    outOfMemory: run.outOfMemory,
    pid: run.pid,
    address,
    terminal,
    stopSignal,
  }
}

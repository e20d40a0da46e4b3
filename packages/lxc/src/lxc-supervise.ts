import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { RootlessError, type Machine } from '@rootless-runtime/core'
import { createFrameReader, encodeFrame, encodeMessage, type Frame, type FrameKind } from './lxc-frames.ts'
import { CONTAINER_FILES, socketName, type SupervisorEvent, type SupervisorNote, type SupervisorRequest } from './lxc-messages.ts'
import { readStartedNote, readStartTicks, readSupervisorNote } from './lxc-notes.ts'
import { SUPERVISOR_PROGRAM } from './lxc-supervisor-program.ts'

/** A connection to the supervisor of one container. */
export interface SupervisorLink {
  ask(request: SupervisorRequest): void
  /** Calls back when the supervisor took the bytes. */
  send(kind: Extract<FrameKind, 'stdin' | 'stdin-end'>, data: Uint8Array, taken: () => void): void
  /** What comes; `null` after the last. Frames that come before this is called wait for it. */
  listen(onFrame: (frame: Frame | null) => void): void
  /** Stops reading, and goes on. */
  hold(isHeld: boolean): void
  close(): void
}

/** Its heap stays small whatever the container writes: nothing is kept. */
const NODE_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1', '--no-warnings']

/** What LXC, systemd-run and the setuid programs around them need; what else the caller has is not for a process that outlives it. */
const KEPT_VARIABLES: ReadonlySet<string> = new Set([
  'HOME',
  'PATH',
  'USER',
  'LOGNAME',
  'LANG',
  'XDG_RUNTIME_DIR',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'DBUS_SESSION_BUS_ADDRESS',
])

const POLL_MS = 2
const QUIT_MS = 5000
/** As much as a pipe holds. */
const FRAME_BYTES = 64 * 1024

export function decodeEvent(frame: Frame): SupervisorEvent | null {
  return frame.kind === 'message' ? (JSON.parse(Buffer.from(frame.data).toString()) as SupervisorEvent) : null
}

/** The supervisors of containers, by their folders. */
export interface SupervisorDoor {
  /** Starts one that waits to be asked, and does not wait for it; it ends by itself when nobody asks. */
  warm(folder: string): void
  /** The one that a container has; `null` when it has none. */
  find(folder: string): Promise<SupervisorLink | null>
  /** The one that a container has, started when it has none. @throws RootlessError `HOST_REFUSED` */
  open(folder: string): Promise<SupervisorLink>
  /** Ends one that has nothing to supervise, and waits for its end. */
  end(folder: string): Promise<void>
}

/** A supervisor that was started here. Its number alone would be another's after its end. */
interface Started extends SupervisorNote {
  kill(): void
}

export function createSupervisorDoor(machine: Machine, timeoutMs: number): SupervisorDoor {
  // Those that may not listen yet.
  const warming = new Map<string, Promise<Started>>()
  const find = async (folder: string): Promise<SupervisorLink | null> => {
    const note = await readSupervisorNote(machine, folder)
    return note === null ? null : await connect(machine, note.pid, timeoutMs)
  }
  return {
    warm: (folder) => {
      const started = startSupervisor(machine, folder)
      started.catch(() => {})
      warming.set(folder, started)
    },
    find,
    open: async (folder) => {
      const warm = warming.get(folder)
      warming.delete(folder)
      await awaitPrevious(machine, folder, timeoutMs)
      const found =
        (warm === undefined ? null : await awaitSupervisor(machine, (await warm).pid, timeoutMs)) ?? (await find(folder))
      const link = found ?? (await awaitSupervisor(machine, (await startSupervisor(machine, folder)).pid, timeoutMs))
      if (link !== null) return link
      const output = await machine.readText(`${folder}/${CONTAINER_FILES.supervisorOutput}`)
      throw new RootlessError('HOST_REFUSED', `the supervisor of a container did not come up in ${folder}`, {
        engine: 'lxc',
        evidence: output.status === 'ok' ? output.value.slice(-2000) : output.reason,
      })
    },
    end: async (folder) => {
      const warm = await warming.get(folder)?.catch(() => null)
      warming.delete(folder)
      if (warm !== null && warm !== undefined) return await endStarted(machine, warm)
      const link = await find(folder)
      if (link !== null) await askToQuit(link)
    },
  }
}

/**
 * A supervisor keeps one run. That of a run that is over may still be on its way out, and would take the question for a new one with
 * it; one that is younger than the run waits for the next.
 */
async function awaitPrevious(machine: Machine, folder: string, timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs
  while (Date.now() < until) {
    const [note, started] = await Promise.all([readSupervisorNote(machine, folder), readStartedNote(machine, folder)])
    if (note === null || started === null || note.startTicks > started.startTicks) return
    if ((await readStartTicks(machine, started.pid)) === started.startTicks) return
    if ((await readStartTicks(machine, note.pid)) !== note.startTicks) return
    await sleep(POLL_MS)
  }
}

/** One that nobody connected to. It may not listen yet, and would write into a folder that is being removed. */
async function endStarted(machine: Machine, { pid, startTicks, kill }: Started): Promise<void> {
  const isThere = async (): Promise<boolean> => (await readStartTicks(machine, pid)) === startTicks
  if (await isThere()) kill()
  while (await isThere()) await sleep(POLL_MS)
}

/** One that has clients left to serve stays for them, and writes nothing any more. */
async function askToQuit(link: SupervisorLink): Promise<void> {
  const gone = Promise.withResolvers<void>()
  link.listen((frame) => frame === null && gone.resolve())
  link.ask({ do: 'quit' })
  await Promise.race([gone.promise, sleep(QUIT_MS)])
  link.close()
}

/** `null` when it ends, or does not listen in time. */
async function awaitSupervisor(machine: Machine, pid: number, timeoutMs: number): Promise<SupervisorLink | null> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const link = await connect(machine, pid, timeoutMs)
    if (link !== null || Date.now() > until || (await readStartTicks(machine, pid)) === null) return link
    await sleep(POLL_MS)
  }
}

/** What was built has no file of its own that this user can surely read: root may have become this user out of a closed folder. */
async function provideProgram(machine: Machine, folder: string): Promise<string> {
  if ('file' in SUPERVISOR_PROGRAM) return SUPERVISOR_PROGRAM.file
  const path = `${folder}/${CONTAINER_FILES.supervisorProgram}`
  await machine.files.write(path, SUPERVISOR_PROGRAM.text)
  return path
}

async function startSupervisor(machine: Machine, folder: string): Promise<Started> {
  const others = Object.keys(machine.environment).filter((name) => !KEPT_VARIABLES.has(name))
  const spawned = await machine.spawn({
    file: process.execPath,
    arguments: [...NODE_FLAGS, await provideProgram(machine, folder)],
    workingDirectory: folder,
    lifetime: 'detached',
    outputFile: `${folder}/${CONTAINER_FILES.supervisorOutput}`,
    environment: Object.fromEntries(others.map((name) => [name, undefined])),
  })
  if (spawned.status === 'ok') {
    const { pid, kill } = spawned.value
    return { pid, startTicks: (await readStartTicks(machine, pid)) ?? 0, kill: () => kill('SIGKILL') }
  }
  throw new RootlessError('HOST_REFUSED', `cannot start the supervisor of a container: ${spawned.reason}`, { engine: 'lxc' })
}

/**
 * By the supervisor's working directory, which is the container's folder: the path of a unix socket has 107 bytes at most, and a
 * home folder may be longer.
 */
async function connect(machine: Machine, pid: number, timeoutMs: number): Promise<SupervisorLink | null> {
  const answer = await machine.connect(`/proc/${pid}/cwd/${socketName(pid)}`, { timeoutMs })
  return answer.status === 'ok' ? toLink(answer.value) : null
}

function toLink(stream: Duplex): SupervisorLink {
  const reader = createFrameReader()
  const waiting: (Frame | null)[] = []
  let listener: ((frame: Frame | null) => void) | null = null
  const give = (frame: Frame | null): void => {
    if (listener === null) waiting.push(frame)
    else listener(frame)
  }
  stream.on('data', (chunk: Uint8Array) => reader.push(chunk).forEach(give))
  // What cannot be sent any more has nobody to take it: the end of the connection says it.
  stream.on('error', () => {})
  stream.once('close', () => give(null))
  return {
    ask: (request) => void stream.write(encodeMessage(request)),
    send: (kind, data, taken) => {
      for (let position = FRAME_BYTES; position < data.byteLength; position += FRAME_BYTES) {
        stream.write(encodeFrame(kind, data.subarray(position - FRAME_BYTES, position)))
      }
      const rest = data.subarray(Math.floor(Math.max(0, data.byteLength - 1) / FRAME_BYTES) * FRAME_BYTES)
      stream.write(encodeFrame(kind, rest), () => taken())
    },
    listen: (onFrame) => {
      listener = onFrame
      for (const frame of waiting.splice(0)) onFrame(frame)
    },
    hold: (isHeld) => void (isHeld ? stream.pause() : stream.resume()),
    close: () => void stream.destroy(),
  }
}

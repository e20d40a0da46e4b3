import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync, watch, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEngineLog } from '../lxc-engine-log.ts'
import { createLineEnds } from '../lxc-line-ends.ts'
import { CONTAINER_FILES, type StartRequest } from '../lxc-messages.ts'
import { makePipes, openBoth, openInput, openOutput, type PipeEnds } from './pipes.ts'
import { killTree } from './proc.ts'

const PIPE = {
  stdin: `${CONTAINER_FILES.pipes}/stdin`,
  stdout: `${CONTAINER_FILES.pipes}/stdout`,
  stderr: `${CONTAINER_FILES.pipes}/stderr`,
  pid: `${CONTAINER_FILES.pipes}/pid`,
  go: `${CONTAINER_FILES.pipes}/go`,
} as const

/** What a process of the container may keep open after its end is nothing: the kernel has killed them all. */
const LAST_OUTPUT_MS = 2000

/** One run of a container, from its start to its end. */
export interface ContainerRun {
  /** `null` when nobody feeds it. */
  readonly stdin: Socket | null
  readonly processId: number
  /** The pid of its first process, while LXC waits for `release`. Stays open when it does not wait. */
  readonly namespaces: Promise<number>
  /** The pid of its first process, as soon as its command runs; `null` when it never did. */
  readonly started: Promise<number | null>
  /** After its output was read to the end. */
  readonly ended: Promise<RunEnd>
  release(go: boolean): void
  /** Ends it by force, wherever it is. */
  kill(): void
}

export interface RunEnd {
  readonly exitCode: number
  /** LXC's log. */
  readonly log: string
}

export type OnOutput = (stream: 'stdout' | 'stderr', data: Uint8Array) => Promise<void>

/** Starts LXC with pipes for the command's streams. */
export async function startRun(request: StartRequest, onOutput: OnOutput): Promise<ContainerRun> {
  const wanted = [PIPE.stdout, PIPE.stderr, ...(request.stdin ? [PIPE.stdin] : [])]
  await makePipes(request.waitsForRelease ? [...wanted, PIPE.pid, PIPE.go] : wanted)
  writeFileSync(CONTAINER_FILES.engineLog, '', { mode: 0o600 })
  const input = request.stdin ? openInput(PIPE.stdin) : null
  const [stdout, stderr] = [openOutput(PIPE.stdout), openOutput(PIPE.stderr)]
  const hand = request.waitsForRelease ? openHand() : null
  const child = spawn(request.file, [...request.arguments], {
    env: { ...process.env, ...request.environment },
    stdio: [input?.theirs ?? 'ignore', stdout.theirs, stderr.theirs],
    // Not ours: a signal to the supervisor's group is not for the container.
    detached: true,
  })
  const spawnFailed = once(child, 'error').then(([error]) => String(error))
  for (const ends of [input, stdout, stderr]) if (ends !== null) closeSync(ends.theirs)
  input?.ours.on('error', () => {})
  const onFirst = request.terminal ? mendLineEnds(onOutput) : onOutput
  const pumped = Promise.all([pump(stdout, 'stdout', onFirst), pump(stderr, 'stderr', onOutput)])
  const exited = Promise.race([once(child, 'exit').then(([code, signal]) => describeExit(code, signal)), spawnFailed])
  const ended = exited.then((words) => finish(words, pumped, hand, input))
  return {
    stdin: input?.ours ?? null,
    processId: child.pid ?? 0,
    namespaces: hand?.namespaces ?? new Promise(() => {}),
    started: awaitStarted(child, exited),
    ended,
    release: (go) => hand?.release(go),
    kill: () => killTree(child.pid ?? 0),
  }
}

function describeExit(code: unknown, signal: unknown): string {
  return signal === null ? `exit code ${String(code)}` : `signal ${String(signal)}`
}

async function finish(words: string, pumped: Promise<unknown>, hand: Hand | null, input: PipeEnds | null): Promise<RunEnd> {
  hand?.close()
  input?.ours.destroy()
  await Promise.race([pumped, sleep(LAST_OUTPUT_MS, undefined, { ref: false })])
  const log = readFileSync(CONTAINER_FILES.engineLog, 'utf8')
  const { exitCode, startedPid } = parseEngineLog(log)
  // LXC's monitor was killed before it could write down how the container ended; the kernel kills the container with it.
  const wasKilled = startedPid !== null && words.startsWith('signal')
  return { exitCode: wasKilled && exitCode === 0 ? 137 : exitCode, log: `${log}${words}\n` }
}

/** A CR that was kept for its LF is the last of all when nothing more comes: nobody sees it. */
function mendLineEnds(onOutput: OnOutput): OnOutput {
  const ends = createLineEnds()
  return async (stream, data) => {
    const mended = ends.push(data)
    if (mended.byteLength > 0) await onOutput(stream, mended)
  }
}

/** Everything that comes, in its reader's pace. */
async function pump({ ours }: PipeEnds, stream: 'stdout' | 'stderr', onOutput: OnOutput): Promise<void> {
  try {
    for await (const chunk of ours as AsyncIterable<Buffer>) await onOutput(stream, chunk)
  } catch (error) {
    process.stderr.write(`${stream} ends here: ${String(error)}\n`)
  }
}

interface Hand {
  readonly namespaces: Promise<number>
  release(go: boolean): void
  close(): void
}

/** The two pipes by which the start-host hook says its pid and waits for its answer. */
function openHand(): Hand {
  const [pid, go] = [openBoth(PIPE.pid, 'read'), openBoth(PIPE.go, 'write')]
  go.on('error', () => {})
  pid.on('error', () => {})
  const namespaces = once(pid, 'data').then(([chunk]) => Number.parseInt(String(chunk), 10))
  return {
    namespaces,
    release: (isReady) => void go.write(isReady ? 'go\n' : 'no\n'),
    close: () => {
      pid.destroy()
      go.destroy()
    },
  }
}

/** LXC writes to its log when the command runs: it has seen the execve(2) by then. */
async function awaitStarted(child: ChildProcess, exited: Promise<string>): Promise<number | null> {
  const found = Promise.withResolvers<number | null>()
  const look = (): void => {
    const { startedPid } = parseEngineLog(readFileSync(CONTAINER_FILES.engineLog, 'utf8'))
    if (startedPid !== null) found.resolve(startedPid)
  }
  const watcher = watch(CONTAINER_FILES.engineLog, look)
  void exited.then(() => {
    look()
    found.resolve(null)
  })
  if (child.pid !== undefined) look()
  const pid = await found.promise
  watcher.close()
  return pid
}

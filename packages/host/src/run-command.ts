import { spawn, type ChildProcess } from 'node:child_process'
import { printable, type Command, type CommandAnswer } from '@rootless-runtime/core'
import { errorCode } from './answer-within.ts'

const DEFAULT_OUTPUT_BYTES = 1024 * 1024
const KILL_DELAY_MS = 500

export interface RunContext {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly signal: AbortSignal | undefined
}

/**
 * Runs a program in a process group of its own, so that a time limit ends its children too: SIGTERM, and SIGKILL half a
 * second later. Output beyond the maximum ends it as well.
 */
export async function runCommand(command: Command, context: RunContext): Promise<CommandAnswer> {
  const shown = printable([command.file, ...command.arguments].join(' '))
  if (context.signal?.aborted === true)
    return { status: 'failed', reason: `${shown} was not run: aborted`, stdout: '', stderr: '' }
  const maximumBytes = command.maximumOutputBytes ?? DEFAULT_OUTPUT_BYTES
  // A word with a zero in it is thrown back; every other failure comes as an event.
  const zero = [command.file, ...command.arguments].some((word) => word.includes('\0'))
  if (zero) return { status: 'failed', reason: `${shown} cannot be run: a word holds a zero`, stdout: '', stderr: '' }
  const child = spawn(command.file, [...command.arguments], {
    cwd: context.workingDirectory,
    env: definedOnly({ ...context.environment, ...command.environment }),
    detached: true,
    stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const outcome = awaitOutcome(child)
  const end = startEnding(child.pid)
  const stdout = collect(child.stdout, maximumBytes, () => end(`${shown} printed more than ${maximumBytes} bytes`))
  const stderr = collect(child.stderr, maximumBytes, () => end(`${shown} printed more than ${maximumBytes} bytes of errors`))
  if (command.input !== undefined) child.stdin?.on('error', () => {}).end(command.input)
  const timer = setTimeout(() => end(`${shown} did not end within ${command.timeoutMs / 1000} s`), command.timeoutMs)
  const onAbort = (): void => end(`${shown} was ended: aborted`)
  context.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const result = await Promise.race([outcome, end.killed])
    const texts = { stdout: stdout(), stderr: stderr() }
    const reason = end.reason()
    if (reason !== undefined) return { status: 'failed', reason, ...texts }
    if (result === undefined) return { status: 'failed', reason: `${shown} was ended`, ...texts }
    return toAnswer(shown, result, texts)
  } finally {
    clearTimeout(timer)
    context.signal?.removeEventListener('abort', onAbort)
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}

type Outcome =
  | { readonly exitCode: number }
  | { readonly signal: NodeJS.Signals | null }
  /** It was never started. */
  | { readonly cause: unknown }

/** How a program ends: after its output has been read, or at once when it cannot be started. */
function awaitOutcome(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve({ cause }))
    child.once('close', (exitCode, signal) => resolve(exitCode === null ? { signal } : { exitCode }))
  })
}

function toAnswer(shown: string, outcome: Outcome, texts: { stdout: string; stderr: string }): CommandAnswer {
  if ('exitCode' in outcome) return { status: 'exited', exitCode: outcome.exitCode, ...texts }
  if ('signal' in outcome) return { status: 'failed', reason: `${shown}: ended by ${outcome.signal ?? 'a signal'}`, ...texts }
  if (errorCode(outcome.cause) === 'ENOENT') return { status: 'absent', reason: `${shown}: the program does not exist` }
  return { status: 'failed', reason: `${shown}: ${printable(String(outcome.cause))}`, ...texts }
}

interface Ending {
  (reason: string): void
  readonly reason: () => string | undefined
  readonly killed: Promise<undefined>
}

/** Ends a process group once, whoever asks first; the reason of the first is kept. */
function startEnding(pid: number | undefined): Ending {
  const killed = Promise.withResolvers<undefined>()
  let reason: string | undefined
  const end = (why: string): void => {
    if (reason !== undefined || pid === undefined) return
    reason = why
    signalGroup(pid, 'SIGTERM')
    setTimeout(() => {
      signalGroup(pid, 'SIGKILL')
      killed.resolve(undefined)
    }, KILL_DELAY_MS)
  }
  return Object.assign(end, { reason: () => reason, killed: killed.promise })
}

/** Signals a process group; one that has ended is fine. */
export function signalGroup(pid: number, signal: string): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: the whole group has ended by itself.
  }
}

function collect(stream: NodeJS.ReadableStream | null, maximumBytes: number, onOverflow: () => void): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream?.on('data', (chunk: Buffer) => {
    if (bytes + chunk.length > maximumBytes) return onOverflow()
    bytes += chunk.length
    chunks.push(chunk)
  })
  stream?.on('error', () => {})
  return () => Buffer.concat(chunks).toString('utf8')
}

/** Without the variables whose value is `undefined`, which remove one. */
export function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

import { printable, type Command, type CommandAnswer } from '@rootless-runtime/core'
import { execa } from 'execa'
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
  const child = execa(command.file, [...command.arguments], {
    cwd: context.workingDirectory,
    env: definedOnly({ ...context.environment, ...command.environment }),
    extendEnv: false,
    detached: true,
    reject: false,
    buffer: false,
    encoding: 'buffer',
    stdin: command.input === undefined ? 'ignore' : 'pipe',
  })
  const end = startEnding(child.pid)
  const stdout = collect(child.stdout, maximumBytes, () => end(`${shown} printed more than ${maximumBytes} bytes`))
  const stderr = collect(child.stderr, maximumBytes, () => end(`${shown} printed more than ${maximumBytes} bytes of errors`))
  if (command.input !== undefined) child.stdin?.on('error', () => {}).end(command.input)
  const timer = setTimeout(() => end(`${shown} did not end within ${command.timeoutMs / 1000} s`), command.timeoutMs)
  const onAbort = (): void => end(`${shown} was ended: aborted`)
  context.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const result = await Promise.race([child, end.killed])
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

interface Outcome {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly cause?: unknown
}

function toAnswer(shown: string, { exitCode, signal, cause }: Outcome, texts: { stdout: string; stderr: string }): CommandAnswer {
  if (exitCode !== undefined) return { status: 'exited', exitCode, ...texts }
  if (errorCode(cause) === 'ENOENT') return { status: 'absent', reason: `${shown}: the program does not exist` }
  const words = signal === undefined ? printable(String(cause)) : `ended by ${signal}`
  return { status: 'failed', reason: `${shown}: ${words}`, ...texts }
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

function signalGroup(pid: number, signal: NodeJS.Signals): void {
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

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

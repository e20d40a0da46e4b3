import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { printable, type Answer, type ProcessEnd, type SpawnCommand, type SpawnedProcess } from '@rootless-runtime/core'
import { failed, toErrorAnswer } from './answer-within.ts'
import { definedOnly, signalGroup, type RunContext } from './run-command.ts'

/** Starts a program in a process group of its own, so that ending it ends its children too. */
export async function spawnProcess(command: SpawnCommand, context: RunContext): Promise<Answer<SpawnedProcess>> {
  const { signal } = context
  const shown = printable([command.file, ...command.arguments].join(' '))
  if (signal?.aborted === true) return failed(`${shown} was not started: aborted`)
  if ([command.file, ...command.arguments].some((word) => word.includes('\0'))) return failed(`${shown}: a word holds a zero`)
  try {
    const child = start(command, context)
    const ended = awaitEnd(child)
    await started(child)
    const end = (name: string): void => void (child.pid !== undefined && signalGroup(child.pid, name))
    if (command.lifetime === 'detached') child.unref()
    else endOnAbort(end, ended, signal)
    return { status: 'ok', value: toSpawned(child, ended, end) }
  } catch (error) {
    return toErrorAnswer(command.file, error)
  }
}

function start(command: SpawnCommand, context: RunContext): ChildProcess {
  const output = command.outputFile === undefined ? 'ignore' : openSync(command.outputFile, 'a', 0o600)
  try {
    return spawn(command.file, [...command.arguments], {
      cwd: command.workingDirectory ?? context.workingDirectory,
      env: definedOnly({ ...context.environment, ...command.environment }),
      detached: true,
      stdio: command.lifetime === 'detached' ? ['ignore', output, output] : ['pipe', 'pipe', 'pipe'],
    })
  } finally {
    if (typeof output === 'number') closeSync(output)
  }
}

async function started(child: ChildProcess): Promise<void> {
  const running = Promise.withResolvers<void>()
  child.once('spawn', running.resolve).once('error', running.reject)
  await running.promise
}

/** After its output was read to the end. */
function awaitEnd(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('close', (exitCode, signal) => resolve(exitCode === null ? { signal: signal ?? 'SIGKILL' } : { exitCode }))
  })
}

function endOnAbort(end: (name: string) => void, ended: Promise<ProcessEnd>, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const onAbort = (): void => end('SIGKILL')
  signal.addEventListener('abort', onAbort, { once: true })
  void ended.then(() => signal.removeEventListener('abort', onAbort))
}

function toSpawned(child: ChildProcess, ended: Promise<ProcessEnd>, kill: (name: string) => void): SpawnedProcess {
  const nothing = new PassThrough()
  nothing.end()
  const stdin = child.stdin ?? new PassThrough()
  // A program that ends before it has read its input is not an error of ours.
  stdin.on('error', () => {})
  return { pid: child.pid ?? 0, stdin, stdout: child.stdout ?? nothing, stderr: child.stderr ?? nothing, ended, kill }
}

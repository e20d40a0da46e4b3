import { posix } from 'node:path'
import { PassThrough, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  printable,
  RootlessError,
  type ContainerProcess,
  type ExecPlan,
  type Machine,
  type SpawnedProcess,
} from '@rootless-runtime/core'
import { createLineEndStream } from './lxc-line-ends.ts'
import { toAttachError, toGone } from './lxc-refusals.ts'
import type { LxcRecord } from './lxc-record.ts'
import { awaitTakenOver, resizeTerminal, toProgram, withTerminal } from './lxc-terminal.ts'
import type { InsideUser } from './lxc-user.ts'

/** What a command inside is run with. */
export interface AttachRequest {
  readonly machine: Machine
  readonly containersFolder: string
  readonly record: LxcRecord
  readonly plan: ExecPlan
  readonly user: InsideUser
  /** Words before `lxc-attach`. */
  readonly scope: readonly string[]
  readonly timeoutMs: number
  /** What became of a command that LXC refused: an exit code, or the error. */
  explain(refusal: RootlessError): Promise<number>
}

/**
 * lxc-attach starts in the root of the container; only a shell inside can go elsewhere. What it is given are words, never a line. It
 * ends with this code when the folder is not there.
 */
const WORKDIR_MISSING = 125
const IN_FOLDER = `cd -- "$1" 2>/dev/null || exit ${WORKDIR_MISSING}; shift; exec "$@"`
const SHELL = '/bin/sh'

let attached = 0

/**
 * Runs a command by lxc-attach. What LXC itself has to say goes into a file, so that it is told apart from what the command says:
 * exit codes of 1, 126 and 127 are the command's own or LXC's.
 */
export async function attachCommand(request: AttachRequest): Promise<ContainerProcess> {
  const { machine, containersFolder, record, plan, scope } = request
  const words = posix.join(containersFolder, record.id, `attach-${process.pid}-${(attached += 1)}.log`)
  const line = [...scope, 'lxc-attach', ...toArguments(request, words)]
  const program = plan.terminal ? withTerminal(line) : toProgram(line)
  const environment = { ...program.environment, LC_ALL: 'C' }
  // Where it is started counts: it goes to the folder of that name inside when there is one.
  const spawned = await machine.spawn({ ...program, environment, workingDirectory: '/', lifetime: 'caller' })
  if (spawned.status !== 'ok') throw new RootlessError('ENGINE_UNAVAILABLE', spawned.reason, { engine: 'lxc' })
  const running = spawned.value
  const ended = awaitEnd(request, running, words)
  // Whoever dropped the streams may not ask for the end.
  ended.catch(() => {})
  if (plan.terminal) return toTerminal(machine, running, ended)
  endUnheard(running, [running.stdout, running.stderr])
  if (!plan.stdin) running.stdin.end()
  const { stdout, stderr } = running
  return { stdin: plan.stdin ? running.stdin : new PassThrough().resume(), stdout, stderr, ended, resize: async () => {} }
}

/**
 * A command whose streams were all dropped, as by a caller's signal, is ended: nobody is there to whom it could say anything, and it
 * would keep this process alive. lxc-attach and what it runs are one process group.
 */
function endUnheard(running: SpawnedProcess, streams: readonly Readable[]): void {
  let isEnded = false
  void running.ended.then(() => (isEnded = true))
  const onClose = (): void => {
    if (!isEnded && streams.every(({ destroyed, readableEnded }) => destroyed && !readableEnded)) running.kill('SIGKILL')
  }
  for (const stream of streams) stream.once('close', onClose)
}

/** What is typed at once waits until somebody reads it. */
function toTerminal(machine: Machine, running: SpawnedProcess, ended: Promise<number>): ContainerProcess {
  const typed = new PassThrough()
  // A command that has ended reads nothing more.
  const takenOver = awaitTakenOver(machine, running.pid)
  void takenOver.then(() => pipeline(typed, running.stdin).catch(() => {}))
  const stdout = createLineEndStream()
  pipeline(running.stdout, stdout).catch(() => {})
  endUnheard(running, [stdout])
  const resize: ContainerProcess['resize'] = async (size) => {
    await takenOver
    await resizeTerminal(machine, running.pid, size)
  }
  return { stdin: typed, stdout, stderr: running.stderr, ended, resize }
}

function toArguments({ containersFolder, record, plan, user }: AttachRequest, words: string): readonly string[] {
  const terminal = plan.terminal ? { TERM: 'xterm' } : {}
  const environment = { HOME: user.home, ...record.environment, ...terminal, ...plan.environment }
  const workdir = toWorkdir({ record, plan })
  const named = ['-q', '-n', record.id, '-P', containersFolder]
  const logged = ['-o', words, '-l', 'ERROR']
  const variables = Object.entries(environment).flatMap(([name, value]) => ['-v', `${name}=${value}`])
  const ids = ['-u', String(user.uid), '-g', String(user.gid)]
  const inFolder = workdir === '/' ? [] : [SHELL, '-c', IN_FOLDER, 'sh', workdir]
  return [...named, ...logged, '--clear-env', ...variables, ...ids, '--', ...inFolder, ...plan.command]
}

function toWorkdir({ record, plan }: Pick<AttachRequest, 'record' | 'plan'>): string {
  return plan.workdir ?? record.workdir
}

async function awaitEnd(request: AttachRequest, running: SpawnedProcess, words: string): Promise<number> {
  const { machine, record, plan } = request
  const end = await running.ended
  const isFine = 'exitCode' in end && end.exitCode === 0
  const said = isFine ? null : await machine.readText(words)
  // The container's own removal takes along what is left.
  void machine.files.remove(words).catch(() => {})
  if ('signal' in end) throw toGone(`lxc-attach was ended by ${end.signal}`)
  const refused = said?.status === 'ok' && said.value !== '' ? toAttachError(record.name, plan.command, said.value) : null
  if (refused !== null) return await request.explain(refused)
  if (toWorkdir(request) !== '/') await checkFolder(request, end.exitCode)
  return end.exitCode
}

/** What each question to the shell inside answers by its exit code, about the folder and the command. */
const QUESTIONS: ReadonlyMap<number, string> = new Map([
  [WORKDIR_MISSING, 'cd -- "$1"'],
  // What is built into the shell has no path.
  [126, 'cd -- "$1" && file=$(command -v "$2") && case $file in /*) [ -x "$file" ] && [ ! -d "$file" ] ;; esac'],
  [127, 'cd -- "$1" && command -v "$2"'],
])

/**
 * With a folder to go to, a shell runs the command, and its exit codes are the shell's or the command's own: it is asked again, which
 * happens for these codes only.
 */
async function checkFolder(request: AttachRequest, exitCode: number): Promise<void> {
  const { machine, scope, plan } = request
  const question = QUESTIONS.get(exitCode)
  if (question === undefined) return
  const folder = toWorkdir(request)
  const command = [SHELL, '-c', question, 'sh', folder, plan.command[0] ?? '']
  const inRoot = { ...request, plan: { ...plan, workdir: '/', command, terminal: false } }
  const [file = '', ...rest] = [...scope, 'lxc-attach', ...toArguments(inRoot, '/dev/null')]
  const answer = await machine.run({ file, arguments: rest, timeoutMs: request.timeoutMs })
  if (answer.status !== 'exited' || answer.exitCode === 0) return
  throw toShellError(exitCode, folder, plan.command[0] ?? '')
}

function toShellError(exitCode: number, folder: string, command: string): RootlessError {
  const [code, what] =
    exitCode === WORKDIR_MISSING
      ? (['WORKDIR_NOT_FOUND', `the folder ${printable(folder)} is not in the container`] as const)
      : exitCode === 127
        ? (['COMMAND_NOT_FOUND', `the command ${printable(command)} is not in the container`] as const)
        : (['COMMAND_NOT_EXECUTABLE', `the command ${printable(command)} may not be executed`] as const)
  return new RootlessError(code, what, { engine: 'lxc', evidence: `exit code ${exitCode} of ${SHELL}` })
}

import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  printable,
  RootlessError,
  type Machine,
  type ProcessEnd,
  type SpawnedProcess,
  type SystemUser,
} from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'

/** What the parts that touch files work with. Making one asks nothing. */
export interface FileDoor {
  readonly machine: Machine
  /** The map of the user's default configuration. @throws RootlessError `ENGINE_UNAVAILABLE` */
  idMaps(): Promise<readonly IdMap[]>
  /** Of LXC, as `5.0.2`. @throws RootlessError `ENGINE_UNAVAILABLE` */
  version(): Promise<string>
}

export interface Program {
  readonly file: string
  readonly arguments: readonly string[]
  readonly input?: AsyncIterable<Uint8Array> | string
  readonly signal?: AbortSignal | undefined
}

/** A program that ended by itself. */
export interface ProgramEnd {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const KEPT_BYTES = 1024 * 1024

/** A command run as root of these maps: lxc-usernsexec(1). */
export function toMappedProgram(maps: readonly IdMap[], command: readonly string[]): Pick<Program, 'file' | 'arguments'> {
  const options = maps.flatMap(({ kind, inside, outside, count }) => ['-m', `${kind}:${inside}:${outside}:${count}`])
  // lxc-usernsexec 5.0.2 ends with 0 when a signal ended its command; a shell says 128 and the signal's number.
  return { file: 'lxc-usernsexec', arguments: [...options, '--', 'sh', '-c', '"$@"; exit $?', 'sh', ...command] }
}

/**
 * The maps and, above them, the caller's own ids: root of these may change what belongs to the caller as well. newuidmap(1) lets
 * everybody map their own.
 */
export function withOwnIds(maps: readonly IdMap[], { uid, gid }: Pick<SystemUser, 'uid' | 'gid'>): readonly IdMap[] {
  const add = (kind: IdMap['kind'], outside: number): readonly IdMap[] => {
    const own = maps.filter((map) => map.kind === kind)
    if (own.some((map) => map.outside <= outside && outside < map.outside + map.count)) return []
    return [{ kind, inside: Math.max(0, ...own.map(({ inside, count }) => inside + count)), outside, count: 1 }]
  }
  return [...maps, ...add('u', uid), ...add('g', gid)]
}

/** Runs a command as root of these maps. How it ended is the caller's business. */
export async function runMapped(
  machine: Machine,
  maps: readonly IdMap[],
  command: readonly string[],
  options: Pick<Program, 'input' | 'signal'> = {},
): Promise<ProgramEnd> {
  return runProgram(machine, { ...toMappedProgram(maps, command), ...options })
}

/** Runs a program to its end. @throws RootlessError `HOST_REFUSED` when it cannot be started or a signal ended it, `ABORTED` */
export async function runProgram(machine: Machine, program: Program): Promise<ProgramEnd> {
  const { signal } = program
  const running = await startProgram(machine, program)
  const onAbort = (): void => running.kill('SIGKILL')
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const [stdout, stderr, end, failure] = await Promise.all([
      readStart(running.stdout),
      readStart(running.stderr),
      running.ended,
      feed(running, program.input),
    ])
    throwIfAborted(signal)
    if (failure !== undefined) throw failure
    if ('signal' in end) throw new RootlessError('HOST_REFUSED', `${program.file} was ended by ${end.signal}`, { engine: 'lxc' })
    return { exitCode: end.exitCode, stdout, stderr }
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

/** @throws RootlessError `HOST_REFUSED`, `ABORTED` */
export async function startProgram(machine: Machine, program: Program): Promise<SpawnedProcess> {
  throwIfAborted(program.signal)
  const answer = await machine.spawn({
    file: program.file,
    arguments: program.arguments,
    environment: { LC_ALL: 'C' },
    workingDirectory: '/',
    lifetime: 'caller',
  })
  if (answer.status === 'ok') return answer.value
  throw new RootlessError('HOST_REFUSED', `${program.file} cannot be run: ${answer.reason}`, { engine: 'lxc' })
}

/** The output of one program becomes the input of another. How they ended is the caller's business. */
export async function pipePrograms(
  machine: Machine,
  from: Pick<Program, 'file' | 'arguments'>,
  to: Pick<Program, 'file' | 'arguments'>,
  signal: AbortSignal | undefined,
): Promise<{ readonly from: ProgramEnd; readonly to: ProgramEnd }> {
  const source = await startProgram(machine, { ...from, signal })
  source.stdin.end()
  const stderr = readStart(source.stderr)
  try {
    const end = await runProgram(machine, { ...to, input: source.stdout, signal })
    const ended = await source.ended
    return { from: { exitCode: toExitCode(ended), stdout: '', stderr: await stderr }, to: end }
  } finally {
    source.kill('SIGKILL')
  }
}

/** As a shell counts: 137 for one that was killed. */
export function toExitCode(end: ProcessEnd): number {
  return 'exitCode' in end ? end.exitCode : 137
}

/** What the source of the input threw. A program that ends before it has read everything is no failure of the source. */
async function feed(running: SpawnedProcess, input: Program['input']): Promise<unknown> {
  if (input === undefined || typeof input === 'string') {
    running.stdin.end(input ?? '')
    return undefined
  }
  let failure: unknown
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* input
    } catch (error) {
      failure = error ?? new Error('the source failed')
      running.kill('SIGKILL')
      throw error
    }
  }
  await pipeline(watched, running.stdin).catch(() => {})
  return failure
}

/** The beginning of what a program prints; the rest is read and left. */
async function readStart(stream: Readable): Promise<string> {
  let keptBytes = 0
  const kept = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk)
      if (keptBytes < KEPT_BYTES) yield bytes
      keptBytes += bytes.length
    }
  }
  return (await buffer(kept())).toString('utf8')
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new RootlessError('ABORTED', 'aborted by the caller', { engine: 'lxc', cause: signal.reason })
}

/** The last line that a program printed on stderr, made safe to show. */
export function lastLine({ stderr }: Pick<ProgramEnd, 'stderr'>): string {
  return printable(stderr.trim().split('\n').at(-1) ?? '')
}

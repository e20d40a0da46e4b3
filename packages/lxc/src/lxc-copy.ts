import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { printable, RootlessError, type Call, type SpawnedProcess } from '@rootless-runtime/core'
import { checkEnd } from './lxc-errors.ts'
import { toInsideProgram } from './lxc-inside.ts'
import { runProgram, startProgram, throwIfAborted, toExitCode, type FileDoor, type ProgramEnd } from './lxc-mapped.ts'
import type { RootfsOf } from './lxc-parts.ts'
import type { RootAccess } from './lxc-rootfs.ts'

/** Unpacks a tar in a folder of a container. Its own folders keep their owners and modes; what comes in belongs to root. */
export async function copyIn(
  door: FileDoor,
  access: RootAccess,
  container: RootfsOf,
  tar: AsyncIterable<Uint8Array>,
  targetFolder: string,
  call: Call,
): Promise<void> {
  const folder = toInsidePath(targetFolder)
  const unpack = ['--no-same-owner', '--same-permissions', '--no-overwrite-dir', '-C', folder, '-xf', '-']
  const command = (await access.tools()).toCommand('tar', unpack)
  const program = toInsideProgram(container, await access.viewOf(container.containerFolder), command)
  const end = await runProgram(door.machine, { ...program, input: tar, signal: call.signal })
  if (end.exitCode === 0) return
  if (isMissing(end, folder)) throw pathNotFound(targetFolder, 'is no folder inside')
  if (NO_TAR.some((words) => end.stderr.includes(words)))
    throw new RootlessError('INVALID_ARGUMENT', `what was to be copied is no whole tar: ${printable(end.stderr)}`, {
      engine: 'lxc',
    })
  checkEnd(end, `copy into ${printable(targetFolder)}`)
}

const NO_TAR = ['This does not look like a tar archive', 'Unexpected EOF in archive', 'Skipping to next header']

/** GNU tar names the folder of -C that it could not enter. */
function isMissing({ stderr }: ProgramEnd, path: string): boolean {
  return [': Cannot open: No such file or directory', ': Cannot open: Not a directory'].some((words) =>
    stderr.includes(`${path}${words}`),
  )
}

const BLOCK_BYTES = 512

/** A file or a folder of a container as tar. Whether it is there is known before the stream is given. */
export async function copyOut(
  door: FileDoor,
  access: RootAccess,
  container: RootfsOf,
  path: string,
  call: Call,
): Promise<Readable> {
  const inside = toInsidePath(path)
  const name = posix.basename(inside) || '.'
  const pack = ['--numeric-owner', '--format=pax', '-C', posix.dirname(inside), '-cf', '-', '--', name]
  const command = (await access.tools()).toCommand('tar', pack)
  const program = toInsideProgram(container, await access.viewOf(container.containerFolder), command)
  const running = await startProgram(door.machine, { ...program, signal: call.signal })
  running.stdin.end()
  const stderr: Buffer[] = []
  running.stderr.on('data', (chunk: Buffer) => void (stderr.length < 64 && stderr.push(chunk)))
  const end = async (): Promise<ProgramEnd> => {
    const exitCode = toExitCode(await running.ended)
    return { exitCode, stdout: '', stderr: Buffer.concat(stderr).toString('utf8') }
  }
  const chunks = running.stdout.iterator()
  const onAbort = (): void => running.kill('SIGKILL')
  call.signal?.addEventListener('abort', onAbort, { once: true })
  const first = await chunks.next()
  const isEmpty =
    first.done === true ||
    Buffer.from(first.value)
      .subarray(0, BLOCK_BYTES)
      .every((byte) => byte === 0)
  if (isEmpty) {
    running.stdout.resume()
    const failed = await end()
    call.signal?.removeEventListener('abort', onAbort)
    throwIfAborted(call.signal)
    if (MISSING.test(failed.stderr)) throw pathNotFound(path, 'is not there')
    checkEnd({ ...failed, exitCode: failed.exitCode || 2 }, `copy ${printable(path)}`)
  }
  const read = readRest({ running, first: first.value, chunks, end, call, path })
  return Readable.from(read, { objectMode: false }).once('close', () => call.signal?.removeEventListener('abort', onAbort))
}

const MISSING = /: Cannot (?:stat|open): (?:No such file or directory|Not a directory)$/mu

interface Reading {
  readonly running: SpawnedProcess
  readonly first: Uint8Array
  readonly chunks: AsyncIterator<Uint8Array>
  readonly end: () => Promise<ProgramEnd>
  readonly call: Call
  readonly path: string
}

async function* readRest({ running, first, chunks, end, call, path }: Reading): AsyncGenerator<Uint8Array> {
  try {
    yield first
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
    const ended = await end()
    throwIfAborted(call.signal)
    // 1: a file changed while it was read, which a running container may do.
    if (ended.exitCode !== 1) checkEnd(ended, `copy ${printable(path)}`)
  } finally {
    running.kill('SIGKILL')
  }
}

/** Paths inside begin at the root, whatever they look like. */
function toInsidePath(path: string): string {
  if (path.includes('\0')) throw new RootlessError('INVALID_ARGUMENT', 'a path inside holds a zero', { engine: 'lxc' })
  return posix.resolve('/', path)
}

function pathNotFound(path: string, what: string): RootlessError {
  return new RootlessError('PATH_NOT_FOUND', `${JSON.stringify(printable(path))} ${what}`, { engine: 'lxc' })
}

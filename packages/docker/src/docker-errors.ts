import { RootlessError, printable, setupFix, type ErrorCode } from '@rootless-runtime/core'
import type { HttpEngine } from '@rootless-runtime/core/http'

export const SETUP_FIX = setupFix('install and start rootless Docker', 'docker')

/** What a question that only looks says, in the place of an answer. */
const BROKEN: Readonly<Partial<Record<ErrorCode, string>>> = {
  ENGINE_TIMEOUT: 'no answer within the time limit',
  ENGINE_GONE: 'it hung up before it had answered',
}

/** Why a request did not come to an answer. */
export function describeBroken(error: unknown): string {
  if (!(error instanceof RootlessError)) return printable(error instanceof Error ? error.message : String(error))
  return BROKEN[error.code] ?? error.evidence ?? error.message
}

/** What the caller's own signal ended. */
export function abortedError(what: string, signal: AbortSignal | undefined): RootlessError {
  return new RootlessError('ABORTED', `${printable(what)} was aborted`, { engine: 'docker', cause: signal?.reason })
}

/** Docker hung up in the middle, or died. */
export function goneError(what: string, cause?: unknown): RootlessError {
  return new RootlessError('ENGINE_GONE', `Docker hung up before it had answered ${printable(what)}; see whether it still runs`, {
    engine: 'docker',
    cause,
  })
}

export function timeoutError(what: string, timeoutMs: number): RootlessError {
  return new RootlessError('ENGINE_TIMEOUT', `Docker did not answer ${printable(what)} within ${timeoutMs} ms`, {
    engine: 'docker',
  })
}

/** What goes wrong between a request and its answer, in the words above. */
export const DOCKER_HTTP: HttpEngine = { engine: 'docker', aborted: abortedError, gone: goneError, timeout: timeoutError }

/**
 * Docker's words and our codes, the first that fits. Of 20.10.24 with runc 1.1.5, 26.1.5 and 28.2; a new word is a new line here.
 * runc's are the same from `create` and from `exec`.
 */
const REFUSALS: readonly (readonly [words: RegExp, code: ErrorCode])[] = [
  // What the caller wrote stands between quotes, and is read over: a command may be called "No such image".
  [
    /exec: "(?:[^"\\]|\\.)*": (?:executable file not found in \$PATH|(?:stat .*: )?no such file or directory)/su,
    'COMMAND_NOT_FOUND',
  ],
  [/exec: "(?:[^"\\]|\\.)*": (?:permission denied|is a directory)/u, 'COMMAND_NOT_EXECUTABLE'],
  // The kernel's word for what is no program; a script whose interpreter is missing gets the one of a missing file.
  [
    /unable to start container process: exec [^"].*: no such file or directory|exec \S+: no such file or directory/su,
    'COMMAND_NOT_FOUND',
  ],
  [/exec format error/u, 'COMMAND_NOT_EXECUTABLE'],
  [/chdir to cwd |^Cannot mkdir: .* is not a directory/u, 'WORKDIR_NOT_FOUND'],
  [/unable to find (?:user|group) |no matching entries in (?:passwd|group) file/u, 'USER_NOT_FOUND'],
  // An id that the user namespace does not map.
  [/unable to setup user: invalid argument|\blchown [^]*: invalid argument/u, 'USER_NOT_FOUND'],
  [/cannot expose privileged port|: bind: permission denied/u, 'PORT_FORBIDDEN'],
  [/bind: address already in use|port is already allocated|slirp_add_hostfwd failed/u, 'PORT_IN_USE'],
  [/\bno such image\b/iu, 'IMAGE_NOT_FOUND'],
  [/(?:pull access denied|manifest (?:for \S+ not found|unknown))/u, 'IMAGE_NOT_FOUND'],
  [/\bno such container\b/iu, 'CONTAINER_NOT_FOUND'],
  [/^The container name .* is already in use|container name .* is already in use by container/u, 'NAME_IN_USE'],
  [/^network with name .* already exists/u, 'NAME_IN_USE'],
  [/^network .* not found/u, 'NETWORK_NOT_FOUND'],
  [/has active endpoints/u, 'NETWORK_IN_USE'],
  [/\bno such volume\b/u, 'VOLUME_NOT_FOUND'],
  [/volume is in use/u, 'VOLUME_IN_USE'],
  [/^conflict: unable to (?:remove|delete)/u, 'IMAGE_IN_USE'],
  [
    /You cannot remove a (?:running|paused|restarting) container|cannot remove container .* container is (?:running|paused|restarting)/u,
    'STILL_RUNNING',
  ],
  [/process (?:already finished|not found)|no such process/iu, 'NOT_RUNNING'],
  [/is not running$|is paused, unpause the container|is not paused$|is already paused$|is restarting, wait/u, 'NOT_RUNNING'],
  [/^(?:Could not find the file|no such file or directory)/iu, 'PATH_NOT_FOUND'],
  [/^extraction point is not a directory/u, 'PATH_NOT_FOUND'],
  [/bind source path does not exist/u, 'MOUNT_NOT_FOUND'],
  [/cgroups not configured for container/u, 'NOT_SUPPORTED'],
  [/[Uu]nknown capability|^[Ii]nvalid (?:signal|CapDrop)|^[Nn]o command specified/u, 'INVALID_ARGUMENT'],
]

/** The kernel's words for a file system that takes no more, in those that our own files throw. */
const FULL: readonly (readonly [words: RegExp, word: string])[] = [
  [/no space left on device/iu, 'ENOSPC'],
  [/disk quota exceeded/iu, 'EDQUOT'],
]

/** What Docker refused, in a code of ours; a word that is in no table is `ENGINE_REFUSED`. */
export function toRefusal(what: string, words: string): RootlessError {
  const evidence = printable(words)
  // What was asked holds words of the caller: names, commands.
  const asked = printable(what)
  const known = REFUSALS.find(([pattern]) => pattern.test(words))?.[1]
  // After the others: a command may be called so.
  const full = known === undefined ? FULL.find(([pattern]) => pattern.test(words))?.[1] : undefined
  if (full !== undefined)
    return new RootlessError('HOST_REFUSED', `${asked}: ${full}: Docker says: ${evidence}`, { engine: 'docker', evidence: full })
  const code = known ?? 'ENGINE_REFUSED'
  return new RootlessError(code, `${asked}: Docker says: ${evidence}`, { engine: 'docker', evidence })
}

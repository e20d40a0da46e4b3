import { printable, RootlessError, setupFix, type CommandAnswer, type ErrorCode, type Fix } from '@rootless-runtime/core'
import type { HttpEngine } from '@rootless-runtime/core/http'

export const SETUP_FIX = setupFix('install rootless Podman and make it ready', 'podman')

/** As root, Podman runs as root: its answers say nothing about an ordinary user. */
export const ROOTFUL = 'asked as root, Podman runs as root; ask as an ordinary user'

interface Meaning {
  readonly reason: string
  readonly fix?: Fix
}

/** Podman's words on stderr when it cannot run without root at all (seen on 4.3.1), with what they mean. */
const WORDS: ReadonlyMap<string, Meaning> = new Map([
  [
    'exec: "newuidmap": executable file not found',
    { reason: 'newuidmap is not installed', fix: setupFix('install uidmap', 'podman') },
  ],
  [
    'should have setuid or have filecaps setuid',
    { reason: 'newuidmap has no right to map ids', fix: setupFix('install uidmap anew', 'podman') },
  ],
  ['cannot chdir to', { reason: 'the working directory cannot be entered by this user' }],
  ['database configuration mismatch', { reason: 'its store was made with another storage driver' }],
  ['cannot clone: Operation not permitted', { reason: 'user namespaces are forbidden to this user' }],
  ['cannot re-exec process', { reason: 'user namespaces do not work for this user' }],
])

export type PodmanFailure =
  /** Podman is here and cannot run without root. */
  | { readonly kind: 'unusable'; readonly reason: string; readonly fix?: Fix }
  /** Nobody knows: it hung, was cut off, or said something strange. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** Why `podman info` did not answer. */
export function toPodmanFailure(answer: CommandAnswer): PodmanFailure {
  if (answer.status !== 'exited') return { kind: 'unknown', reason: `podman info: ${printable(answer.reason)}` }
  const said = printable(lastLine(answer.stderr)) || 'nothing'
  const meaning = [...WORDS].find(([words]) => answer.stderr.includes(words))?.[1]
  const text = `podman info ended with exit code ${answer.exitCode} and said: ${said}`
  if (meaning === undefined) return { kind: 'unknown', reason: text }
  return { kind: 'unusable', reason: `${meaning.reason}; ${text}`, ...(meaning.fix && { fix: meaning.fix }) }
}

// Warnings come first; the last line is the error.
function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}

/** Something that was asked of Podman's service, as messages name it, and what a container in the wrong state means for it. */
export interface Asked {
  /** As `start abc`. */
  readonly what: string
  /** `container state improper` is said of one that runs and of one that does not. */
  readonly improperState?: ErrorCode
}

/**
 * Podman's words and our codes, the first that fits: 3.0.1, 4.3.1 and 5.4.2 with runc 1.1 and crun 0.17 to 1.21. The status is
 * 500 for nearly everything. "attempted to invoke a command that was not found" alone says nothing: crun's ENOENT for a file of
 * a cgroup becomes that too.
 */
const REFUSALS: readonly (readonly [words: RegExp, code: ErrorCode])[] = [
  [/that name is already in use|is already in use by/u, 'NAME_IN_USE'],
  [/no such container|no such exec session/u, 'CONTAINER_NOT_FOUND'],
  [/^cannot create exec session as container \S+ is paused/u, 'NOT_RUNNING'],
  [/image not known|no such image|unable to find a name and tag match/u, 'IMAGE_NOT_FOUND'],
  [/manifest unknown|requested access to the resource is denied|name unknown/u, 'IMAGE_NOT_FOUND'],
  [/image is in use by a container|image is being used|image used by/u, 'IMAGE_IN_USE'],
  [/network already exists|volume already exists|name .* is already used/u, 'NAME_IN_USE'],
  [/network is being used|has associated containers/u, 'NETWORK_IN_USE'],
  [/network not found|no such network|unable to find network/u, 'NETWORK_NOT_FOUND'],
  [/no such volume/u, 'VOLUME_NOT_FOUND'],
  [/volume is being used|volume .* is being used/u, 'VOLUME_IN_USE'],
  [/this container does not have a cgroup|without a cgroup/u, 'NOT_SUPPORTED'],
  // 3.0.1 and 5.4.2 of one that ends just now, and no reason with it.
  [/sending signal to container .* kill .* failed: exit status 1/u, 'NOT_RUNNING'],
  [/no matching entries in (?:passwd|group) file|unable to find (?:user|group) /u, 'USER_NOT_FOUND'],
  [/workdir ".*" (?:does not exist|exists) on container|chdir to cwd|chdir: /u, 'WORKDIR_NOT_FOUND'],
  [/cannot expose privileged port|[Ff]ailed to bind port \d+ \(Permission denied\)|: bind: permission denied/u, 'PORT_FORBIDDEN'],
  [/[Aa]ddress already in use/u, 'PORT_IN_USE'],
  [/bind: cannot assign requested address|\(Cannot assign requested address\)/u, 'INVALID_ARGUMENT'],
  [/executable file .*not found|exec: ".*": stat .*: no such file or directory/u, 'COMMAND_NOT_FOUND'],
  [/exec: ".*": (?:permission denied|is a directory)|open executable: |exec format error/u, 'COMMAND_NOT_EXECUTABLE'],
  // 3.0.1 of whatever is not there for a runtime.
  [/^(?!.*\/sys\/fs\/cgroup)[\s\S]*OCI not found/u, 'COMMAND_NOT_FOUND'],
  // runc's last line only, of a name with a newline in it. Of a file of a cgroup it would name the path.
  [/^(?!.*\/sys\/fs\/cgroup).*: no such file or directory: OCI runtime attempted to invoke a command/u, 'COMMAND_NOT_FOUND'],
  [/^statfs .*: no such file or directory/u, 'MOUNT_NOT_FOUND'],
  [/^[Nn]o such file or directory$|could not be found (?:on|in) container|: exists but is not a directory/u, 'PATH_NOT_FOUND'],
  [/invalid reference format|repository name must be lowercase|no 64-byte hexadecimal value/u, 'INVALID_ARGUMENT'],
  [/names must match|invalid signal|no command or entrypoint provided|unknown capability/u, 'INVALID_ARGUMENT'],
]

/** The kernel's words for a file system that takes no more, in those that our own files throw. */
const FULL: readonly (readonly [words: RegExp, word: string])[] = [
  [/no space left on device|database or disk is full/iu, 'ENOSPC'],
  [/disk quota exceeded/iu, 'EDQUOT'],
]

/** What Podman refused, in a code of ours; a word that is in no table is `ENGINE_REFUSED`. */
export function toRefusal({ what, improperState }: Asked, words: string): RootlessError {
  const evidence = printable(words)
  const improper = words.includes('container state improper') ? improperState : undefined
  const known = improper ?? REFUSALS.find(([pattern]) => pattern.test(words))?.[1]
  // After the others: a command may be called so.
  const full = known === undefined ? FULL.find(([pattern]) => pattern.test(words))?.[1] : undefined
  if (full !== undefined)
    return new RootlessError('HOST_REFUSED', `${what}: ${full}: Podman says: ${evidence}`, { engine: 'podman', evidence: full })
  const code = known ?? 'ENGINE_REFUSED'
  return new RootlessError(code, `${what}: Podman says: ${evidence}`, { engine: 'podman', evidence })
}

export function unavailable(message: string, cause?: unknown): RootlessError {
  return new RootlessError('ENGINE_UNAVAILABLE', message, { engine: 'podman', cause, fix: SETUP_FIX })
}

/** What the caller's own signal ended. */
export function abortedError(what: string, signal: AbortSignal | undefined): RootlessError {
  return new RootlessError('ABORTED', `${what} was aborted`, { engine: 'podman', cause: signal?.reason })
}

/** Podman's service hung up in the middle, or died. */
export function goneError(what: string, cause?: unknown): RootlessError {
  const said = cause instanceof Error ? `: ${printable(cause.message)}` : ''
  return new RootlessError('ENGINE_GONE', `${what}: Podman's service hung up before it had answered${said}`, {
    engine: 'podman',
    cause,
  })
}

export function timeoutError(what: string, timeoutMs: number): RootlessError {
  return new RootlessError('ENGINE_TIMEOUT', `${what}: Podman did not answer within ${timeoutMs} ms`, { engine: 'podman' })
}

/** What goes wrong between a question and its answer, in the words above. */
export const PODMAN_HTTP: HttpEngine = { engine: 'podman', aborted: abortedError, gone: goneError, timeout: timeoutError }

export function unreadableError(what: string, reason: string): RootlessError {
  const evidence = printable(reason)
  return new RootlessError('ENGINE_OUTPUT_UNREADABLE', `${what}: Podman's answer cannot be read: ${evidence}`, {
    engine: 'podman',
    evidence,
  })
}

import type { Duplex } from 'node:stream'

/**
 * The one door to the machine. Adapters and judges get it as a parameter and open nothing themselves; recordings replay
 * through the same door. Nothing here throws for an expected answer: absence and denial are answers.
 */
export interface System {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly user: SystemUser
  /** Reads at most `maximumBytes` (1 MiB unless told) of a file as UTF-8. */
  readText(path: string, options?: ReadOptions): Promise<Answer<string>>
  listDirectory(path: string): Promise<Answer<readonly string[]>>
  /** Follows links, as stat(2). */
  status(path: string): Promise<Answer<FileStatus>>
  /** The target of a symbolic link, resolved through every link on the way, as realpath(3). */
  realPath(path: string): Promise<Answer<string>>
  /** Free space for this user on the file system of a path, as statvfs(3) tells it. */
  freeBytes(path: string): Promise<Answer<number>>
  /** The first executable file of that name on the PATH, as an absolute path. */
  findExecutable(name: string): Promise<Answer<string>>
  run(command: Command): Promise<CommandAnswer>
  /** Connects to a unix socket. The caller ends the stream. */
  connect(socketPath: string, options: ConnectOptions): Promise<Answer<Duplex>>
}

/** Who is asking: the ids and the home folder of this process. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
  /** The login name, or the number as text when the user has no entry in passwd(5). */
  readonly name: string
  readonly homeDirectory: string
}

/** What came back. `absent` is a "no", the two other failures are "could not look". */
export type Answer<Value> =
  | { readonly status: 'ok'; readonly value: Value }
  | { readonly status: 'absent' | 'denied' | 'failed'; readonly reason: string }

/** How much of a file is read at most. */
export interface ReadOptions {
  readonly maximumBytes?: number
}

/** How long connecting may take. */
export interface ConnectOptions {
  readonly timeoutMs: number
}

/** Kinds of files, as stat(2) tells them apart. */
export const FILE_KINDS = ['file', 'directory', 'socket', 'character-device', 'block-device', 'fifo', 'other'] as const
/** One of `FILE_KINDS`. */
export type FileKind = (typeof FILE_KINDS)[number]

/** What stat(2) and access(2) say of a file. */
export interface FileStatus {
  readonly kind: FileKind
  /** Permission bits and setuid, setgid and sticky, as in `0o4755`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Whether this user may open it for reading and writing, by access(2). */
  readonly readable: boolean
  readonly writable: boolean
}

/** A program to run, with its limits. It is started without a shell. */
export interface Command {
  /** Name on the PATH, or an absolute path. Never a shell line. */
  readonly file: string
  readonly arguments: readonly string[]
  /** After this the process and its children get SIGTERM, and SIGKILL half a second later. */
  readonly timeoutMs: number
  /** Added to the environment; `undefined` removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  /** Bytes kept of each stream, 1 MiB unless told. A command that prints more is ended. */
  readonly maximumOutputBytes?: number
}

/** How a command ended. Only `exited` says that the program itself did. */
export type CommandAnswer =
  | { readonly status: 'exited'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  /** The program is not there. */
  | { readonly status: 'absent'; readonly reason: string }
  /** Denied, timed out, printed too much, or ended by a signal. */
  | { readonly status: 'failed'; readonly reason: string; readonly stdout: string; readonly stderr: string }

import type { Duplex, Readable, Writable } from 'node:stream'

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

/** The door through which a machine is changed: what running containers needs beside looking. A recording has none of it. */
export interface Machine extends System {
  /** Connects to a TCP port of an address of this machine. The caller ends the stream. */
  connectTcp(address: string, port: number, options: ConnectOptions): Promise<Answer<Duplex>>
  /** A port that nobody listens on at this address now, chosen by the kernel. */
  findFreePort(protocol: PortProtocol, address: string): Promise<Answer<number>>
  /** Starts a program and leaves it running; its streams and its end are the caller's. */
  spawn(command: SpawnCommand): Promise<Answer<SpawnedProcess>>
  /** What changes files. Reading is above. */
  readonly files: SystemFiles
}

/** Protocols of ports. */
export const PORT_PROTOCOLS = ['tcp', 'udp'] as const
/** One of `PORT_PROTOCOLS`. */
export type PortProtocol = (typeof PORT_PROTOCOLS)[number]

/** A program to start and leave running. It is started without a shell. */
export interface SpawnCommand {
  /** Name on the PATH, or an absolute path. Never a shell line. */
  readonly file: string
  readonly arguments: readonly string[]
  /** Added to the environment; `undefined` removes a variable. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly workingDirectory?: string
  /** `caller`: its process group gets SIGKILL when this system's signal fires. `detached`: it outlives this process, and its streams are `ignore`. */
  readonly lifetime: 'caller' | 'detached'
  /** Opened for appending by a detached program in place of its output; neither stream is piped then. */
  readonly outputFile?: string
}

/** A program that runs. Its streams are absent for a detached one. */
export interface SpawnedProcess {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when the program ended and its output was read to the end; never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** Sends a signal to its process group; one that has ended already is fine. */
  kill(signal: string): void
}

/** How a program ended: with an exit code, or by a signal. */
export type ProcessEnd = { readonly exitCode: number } | { readonly signal: string }

/**
 * Files that we make. Every method throws RootlessError `HOST_REFUSED`, with the system's own word (`ENOSPC`, `EACCES`), when
 * the system says no.
 */
export interface SystemFiles {
  /** With every folder on the way; one that is there already is fine. */
  makeDirectory(path: string, options?: { readonly mode?: number }): Promise<void>
  /** A new folder of this user alone, below a folder that exists; its name begins with the prefix. */
  makeTemporaryDirectory(parent: string, prefix: string): Promise<string>
  /** Writes beside the path and renames: a reader sees the old content or the new, never half. */
  write(path: string, content: FileContent, options?: WriteOptions): Promise<void>
  /** Makes a file that must not be there yet; `false` when it is. */
  writeNew(path: string, content: string, options?: { readonly mode?: number }): Promise<boolean>
  /** Adds to the end of a file in one write(2) each call. */
  append(path: string, content: Uint8Array | string): Promise<void>
  /** The bytes of a file from `startByte` to its end now. */
  openRead(path: string, options?: { readonly startByte?: number }): Promise<Readable>
  rename(from: string, to: string): Promise<void>
  /** With everything below; what is not there is fine. */
  remove(path: string): Promise<void>
  /** Yields once for every change of a file or a folder, until the signal fires; changes may be merged. */
  watch(path: string, signal: AbortSignal): AsyncIterable<void>
}

/** What a file is written from. */
export type FileContent = string | Uint8Array | AsyncIterable<Uint8Array>

/** How a file is written. */
export interface WriteOptions {
  readonly mode?: number
  readonly signal?: AbortSignal
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

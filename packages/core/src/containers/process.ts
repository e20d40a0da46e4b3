import type { Readable, Writable } from 'node:stream'

/** Streams and end of a command inside. */
export interface ContainerProcess {
  /** Ends by `end()`; a terminal's control characters are the caller's business. */
  readonly stdin: Writable
  /** Binary, in the command's own pace: what nobody reads holds the command up. */
  readonly stdout: Readable
  /** Empty for a terminal. */
  readonly stderr: Readable
  /** Settles after the end of the command; rejects with `ENGINE_GONE` when nobody can tell any more. */
  readonly ended: Promise<number>
  /** The size of the terminal. Nothing without one. */
  resize(size: TerminalSize): Promise<void>
}

/** A terminal's size, in characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

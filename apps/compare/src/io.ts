import type { Readable, Writable } from 'node:stream'

/** Where the command reads and writes. Only main.ts makes a real one; tests make theirs. */
export interface Io {
  readonly out: Output
  readonly error: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Fires when a person ends the command. */
  readonly signal: AbortSignal
  readonly userId: number
  readonly userName: string
  /** How a person calls this command again: `rootless`, or the words that lead to it. */
  readonly self: readonly string[]
  /** The streams and the signals of this process, for what runs inside a container. */
  readonly foreground: Foreground
  /** Asks a person at a terminal; absent without one. */
  readonly ask?: (question: string) => Promise<string>
}

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  readonly columns: number
}

/** The streams and the signals of this process. */
export interface Foreground {
  readonly stdin: () => Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly inputIsTerminal: boolean
  /** Of the terminal that this process writes to; `undefined` without one. */
  readonly size: () => TerminalSize | undefined
  /** Every key is a byte of the input from now on, Ctrl-C too; or they are what they were. */
  readonly setRaw: (raw: boolean) => void
  /** Signals end nothing any more: the handlers get them, until the function that comes back is called. */
  readonly take: (handlers: ForegroundHandlers) => () => void
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface ForegroundHandlers {
  /** A name as `SIGTERM`. */
  readonly onSignal: (name: NodeJS.Signals) => void
  /** Whoever read stdout has gone, as in `| head -1`. */
  readonly onReaderGone: () => void
  readonly onResize: () => void
}

/** What the command ends with. */
export const EXIT = { fine: 0, requirementNotMet: 1, wrongUse: 2, couldNotLook: 3, interrupted: 130 } as const

import type { Foreground, ForegroundHandlers } from './io.ts'

/** What Docker's client passes on to a container, of what a person or a supervisor sends. */
const PASSED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const

interface Streams {
  /** Opened only when it is read: a process that reads its terminal in the background is stopped by it. */
  readonly stdin: () => NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** The foreground of this process, and how main.ts tells whoever has taken it. */
export interface ForegroundDesk extends Foreground {
  /** Whether somebody has taken the signals, and got this one. */
  readonly tellSignal: (name: NodeJS.Signals) => boolean
  /** Whether somebody has taken the streams, and is told that stdout is broken: by its reader, or by writing to it. */
  readonly tellBroken: (code: string | undefined) => boolean
}

export function createForeground({ stdin, stdout, stderr }: Streams): ForegroundDesk {
  let taken: ForegroundHandlers | undefined
  const onSignal = (name: NodeJS.Signals): void => taken?.onSignal(name)
  const onResize = (): void => taken?.onResize()
  return {
    stdin,
    stdout,
    stderr,
    inputIsTerminal: stdin().isTTY,
    size: () => {
      const terminal = [stdout, stderr].find(({ isTTY }) => isTTY)
      return terminal === undefined ? undefined : { columns: terminal.columns, rows: terminal.rows }
    },
    setRaw: (raw) => void (stdin().isTTY && stdin().setRawMode(raw)),
    take: (handlers) => {
      taken = handlers
      // SIGINT, SIGTERM and SIGHUP come by way of main.ts, which listens from the first moment on.
      const others = PASSED_SIGNALS.slice(3)
      for (const name of others) process.on(name, onSignal)
      process.on('SIGWINCH', onResize)
      return () => {
        taken = undefined
        for (const name of others) process.off(name, onSignal)
        process.off('SIGWINCH', onResize)
      }
    },
    tellSignal: (name) => {
      taken?.onSignal(name)
      return taken !== undefined
    },
    tellBroken: (code) => {
      if (code === 'EPIPE') taken?.onReaderGone()
      return taken !== undefined
    },
  }
}

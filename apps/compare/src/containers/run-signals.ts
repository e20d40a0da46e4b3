import { readFile } from 'node:fs/promises'
import type { Foreground } from '../io.ts'
import { hearsSignal } from './hears-signal.ts'

/** How long a container may take to end after it was told to by SIGTERM or SIGHUP: as `docker stop`. */
const GRACE_MS = 10_000
/** How long a start may take after a signal that ends. */
const START_PATIENCE_MS = 3000
/** The signal of an impatient person, as Docker's client counts them. */
const IMPATIENT_COUNT = 3

const ENDING: ReadonlySet<string> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
/** From a supervisor that wants it gone; Ctrl-C may mean something else to the program. */
const FINAL: ReadonlySet<string> = new Set(['SIGTERM', 'SIGHUP'])

/** What signals are passed on to. */
export interface SignalTarget {
  kill(name: string): Promise<void>
  inspect(): Promise<{ readonly pid: number | null }>
}

/** What happens to the signals of this process while a container is made, runs, and is removed. */
export interface RunSignals {
  /** Fires at a signal that comes before the container runs, and when nobody reads any more. */
  readonly signal: AbortSignal
  /** The signal that ended it all; `null` when none did. */
  readonly endedBy: () => NodeJS.Signals | null
  /** Whether whoever read stdout has gone. */
  readonly readerGone: Promise<void>
  /** From now on signals wait for the container, which may have begun already; one that ends everything does not wait long. */
  readonly keep: () => void
  /** From now on signals are passed on, those first that have waited. */
  readonly passTo: (container: SignalTarget, onResize: () => void) => void
  /** From now on the size of the terminal is told; a signal still ends everything. */
  readonly watchSize: (onResize: () => void) => void
  /** From now on signals change nothing: what was begun is cleaned up. */
  readonly hold: () => void
  readonly release: () => void
}

export function takeSignals(foreground: Foreground): RunSignals {
  const stop = new AbortController()
  const reader = Promise.withResolvers<void>()
  let endedBy: NodeJS.Signals | null = null
  const prepare = (name: NodeJS.Signals): void => {
    if (!ENDING.has(name)) return
    endedBy ??= name
    stop.abort(new Error(name))
  }
  const queue = createQueue(prepare)
  let onSignal: (name: NodeJS.Signals) => void = prepare
  let onResize = nothing
  let onReaderGone = (): void => stop.abort(new Error('EPIPE'))
  const release = foreground.take({
    onSignal: (name) => onSignal(name),
    onResize: () => onResize(),
    onReaderGone: () => onReaderGone(),
  })
  return {
    signal: stop.signal,
    endedBy: () => endedBy,
    readerGone: reader.promise,
    keep: () => {
      onSignal = queue.add
    },
    passTo: (container, resize) => {
      const pass = createPassing(container, (name) => (endedBy ??= name))
      onSignal = pass
      onResize = resize
      onReaderGone = reader.resolve
      for (const name of queue.empty()) pass(name)
    },
    watchSize: (resize) => {
      onResize = resize
    },
    hold: () => {
      queue.empty()
      onSignal = nothing
      onResize = nothing
    },
    release,
  }
}

function nothing(): void {}

interface Queue {
  readonly add: (name: NodeJS.Signals) => void
  readonly empty: () => readonly NodeJS.Signals[]
}

/** Signals that wait; `onLate` gets one that ends everything and has waited too long. */
function createQueue(onLate: (name: NodeJS.Signals) => void): Queue {
  const waiting: NodeJS.Signals[] = []
  let patience: NodeJS.Timeout | undefined
  return {
    add: (name) => {
      waiting.push(name)
      if (ENDING.has(name)) patience ??= setTimeout(onLate, START_PATIENCE_MS, name)
    },
    empty: () => {
      clearTimeout(patience)
      return waiting.splice(0)
    },
  }
}

/** Passes signals on; ends the container itself when it does not hear one that ends, or is asked too often. */
function createPassing(container: SignalTarget, onKilled: (name: NodeJS.Signals) => void): (name: NodeJS.Signals) => void {
  let count = 0
  const kill = (name: NodeJS.Signals): void => {
    onKilled(name)
    send(container, 'SIGKILL')
  }
  return (name) => {
    if (!ENDING.has(name)) return send(container, name)
    count += 1
    if (count >= IMPATIENT_COUNT) return kill(name)
    if (FINAL.has(name)) setTimeout(kill, GRACE_MS, name).unref()
    void hears(container, name).then((heard) => (heard ? send(container, name) : kill(name)))
  }
}

// One that has ended before the signal came is as good as one that heard it.
function send(container: SignalTarget, name: string): void {
  container.kill(name).catch(() => {})
}

async function hears(container: SignalTarget, name: NodeJS.Signals): Promise<boolean> {
  try {
    const { pid } = await container.inspect()
    return pid === null || hearsSignal(await readFile(`/proc/${pid}/status`, 'utf8'), name)
  } catch {
    return true
  }
}

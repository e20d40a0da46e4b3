import { RootlessError } from '../errors.ts'

/** Signals by their numbers on Linux for x86 and ARM, signal(7). */
const SIGNALS: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGILL', 4],
  ['SIGTRAP', 5],
  ['SIGABRT', 6],
  ['SIGBUS', 7],
  ['SIGFPE', 8],
  ['SIGKILL', 9],
  ['SIGUSR1', 10],
  ['SIGSEGV', 11],
  ['SIGUSR2', 12],
  ['SIGPIPE', 13],
  ['SIGALRM', 14],
  ['SIGTERM', 15],
  ['SIGCHLD', 17],
  ['SIGCONT', 18],
  ['SIGSTOP', 19],
  ['SIGTSTP', 20],
  ['SIGTTIN', 21],
  ['SIGTTOU', 22],
  ['SIGURG', 23],
  ['SIGXCPU', 24],
  ['SIGXFSZ', 25],
  ['SIGVTALRM', 26],
  ['SIGPROF', 27],
  ['SIGWINCH', 28],
  ['SIGIO', 29],
  ['SIGPWR', 30],
  ['SIGSYS', 31],
])

/**
 * The full name of a signal that was given as `TERM`, `SIGTERM` or `15`.
 *
 * @throws RootlessError `INVALID_ARGUMENT`
 */
export function toSignalName(signal: string): string {
  const upper = signal.toUpperCase()
  for (const [name, number] of SIGNALS) if (name === upper || name === `SIG${upper}` || String(number) === signal) return name
  throw new RootlessError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(signal.slice(0, 40))} is no signal; known: ${[...SIGNALS.keys()].join(', ')}`,
  )
}

/** The number of a signal by its full name; `undefined` for what is none. */
export function toSignalNumber(name: string): number | undefined {
  return SIGNALS.get(name)
}

import { spawnSync } from 'node:child_process'

export const NUMBER_OF_RUNS = 15
const TIMEOUT_MS = 60_000

export interface Program {
  readonly words: readonly string[]
  /** Where it runs; its modules are looked up from there. */
  readonly folder: string
}

/** How long a program takes from its start to its end, in milliseconds. */
export function timeMs({ words, folder }: Program): number {
  const [file = '', ...rest] = words
  const beganMs = performance.now()
  const { status, error, stderr } = spawnSync(file, rest, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  const tookMs = performance.now() - beganMs
  if (status !== 0) throw new Error(`${words.join(' ')} ended with ${error?.message ?? status}: ${stderr.trim().slice(-500)}`)
  return tookMs
}

// VmHWM is of the program alone: ru_maxrss remembers the process that it was forked from (proc(5), getrusage(2)).
const TELL_PEAK = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync, writeSync } from 'node:fs'
  process.on('exit', () => writeSync(3, /VmHWM:\\s*(\\d+) kB/u.exec(readFileSync('/proc/self/status', 'utf8'))[1]))
`)}`

/** The most memory that a Node program held at once, in MB of a million bytes; its children apart. */
export function peakMegabytes({ words, folder }: Program): number {
  const [file = '', ...rest] = words
  const { status, output, stderr } = spawnSync(file, ['--import', TELL_PEAK, ...rest], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  const kibibytes = Number(output[3])
  if (status !== 0 || !(kibibytes > 0)) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr.trim().slice(-500)}`)
  return (kibibytes * 1024) / 1e6
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

/** What each measurement gives, run after run in turn, so that a busy moment of the machine meets all of them alike. */
export function measureInTurn<Name extends string>(
  measurements: Readonly<Record<Name, () => number>>,
  onRun: (run: number) => void,
): ReadonlyMap<string, readonly number[]> {
  const values = new Map<string, number[]>()
  const entries = Object.entries<() => number>(measurements)
  // The first round only warms the caches of the disk.
  for (const [, measure] of entries) measure()
  for (let run = 0; run < NUMBER_OF_RUNS; run += 1) {
    onRun(run)
    for (const [name, measure] of run % 2 === 0 ? entries : entries.toReversed()) {
      values.set(name, [...(values.get(name) ?? []), measure()])
    }
  }
  return values
}

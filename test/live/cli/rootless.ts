import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

// The built command, as a person runs it.

export const main = process.env['ROOTLESS_MAIN'] ?? join(import.meta.dirname, '../../../apps/compare/dist/main.js')

/** Every container that a test makes has this label, so that what is left can be counted. */
export const LABEL = `rootless-cli-test=${process.pid}`

const LONGEST_MS = 60_000

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCommand {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

export interface StartOptions {
  readonly input?: string | Buffer
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a program; what it prints is kept. `input` is its whole stdin. */
export function startProgram(file: string, words: readonly string[], { input, environment }: StartOptions = {}): RunningCommand {
  const child = spawn(file, words, {
    env: { ...process.env, ...environment },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS)
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return { child, ended: awaitEnd(child).finally(() => clearTimeout(timer)) }
}

async function awaitEnd(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('it has no output')
  const [out, error, [code, signal]] = await Promise.all([buffer(stdout), buffer(stderr), once(child, 'close')])
  if (typeof code !== 'number') throw new Error(`ended by ${String(signal)}: ${error.toString()}`)
  return { code, stdout: out.toString('latin1'), stderr: error.toString() }
}

export function start(words: readonly string[], options?: StartOptions): RunningCommand {
  return startProgram(process.execPath, [main, ...words], options)
}

export function rootless(words: readonly string[], options?: StartOptions): Promise<Ended> {
  return start(words, options).ended
}

/** Runs what must succeed, and gives what it printed. */
export async function mustRootless(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await rootless(words)
  if (code !== 0) throw new Error(`rootless ${words.join(' ')} ended with ${code}: ${stderr}`)
  return stdout.trim()
}

/** A line for `sh -c` that runs the command, for tests that need a shell or a terminal. */
export function toShellLine(words: readonly string[]): string {
  return [process.execPath, main, ...words].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ')
}

/** The names of the containers of this test that an engine still has. */
export async function listLeft(engine: string): Promise<readonly string[]> {
  const json: unknown = JSON.parse(await mustRootless('ps', '-a', '--engine', engine, '-l', LABEL, '--format', 'json'))
  const containers: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'containers') : undefined
  if (!Array.isArray(containers)) throw new Error('ps gave no containers')
  return containers.map((container: unknown) =>
    String(typeof container === 'object' && container !== null && Reflect.get(container, 'name')),
  )
}

/** Waits until something is so, or fails with what was seen last. */
export async function eventually<Value>(look: () => Promise<Value>, isRight: (value: Value) => boolean): Promise<Value> {
  const end = Date.now() + 20_000
  for (;;) {
    const value = await look()
    if (isRight(value)) return value
    if (Date.now() > end) throw new Error(`it stayed ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

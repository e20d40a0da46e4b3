import { execa } from 'execa'
import { LabError } from './lab-error.ts'

export interface HostCommandOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

const KEPT_CHARACTERS = 4000

/** Runs a command of this host that must succeed, and returns what it printed, trimmed. Ends it with our process. */
export async function runOnHost(file: string, words: readonly string[], options: HostCommandOptions = {}): Promise<string> {
  const { environment = {}, input, timeoutMs, signal } = options
  const ended = await execa(file, [...words], {
    env: environment,
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  })
  if (ended.exitCode === 0) return ended.stdout
  signal?.throwIfAborted()
  const output = `${ended.stderr}\n${ended.stdout}`.trim().slice(-KEPT_CHARACTERS)
  throw new LabError(`${ended.shortMessage}\n${output}`, `look at the output above; the command was: ${ended.escapedCommand}`)
}

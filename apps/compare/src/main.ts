import { userInfo } from 'node:os'
import { basename, relative } from 'node:path'
import { createForeground, type ForegroundDesk } from './foreground.ts'
import type { Io, Output } from './io.ts'
import { tellOldNode } from './node-version.ts'

declare const TOOL_VERSION: string

const INTERRUPTED_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

const words = process.argv.slice(2)

const oldNode = tellOldNode(process.versions.node)

if (oldNode !== undefined) {
  process.stderr.write(oldNode)
  process.exitCode = 3
  // The answer that scripts ask for most, before anything is loaded.
} else if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${TOOL_VERSION}\n`)
} else {
  await main()
}

async function main(): Promise<void> {
  // docker-modem parses addresses the old way, and Node would tell the person at the terminal (DEP0169).
  process.noDeprecation = true
  const foreground = createForeground({ stdin: () => process.stdin, stdout: process.stdout, stderr: process.stderr })
  // A reader that has seen enough, as in `rootless inspect docker | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever has a container to end hears of it there.
    if (foreground.tellBroken(error.code)) return
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(`rootless: stdout: ${error.message}\n`)
    process.exit(3)
  })
  // Nobody is left to be told.
  process.stderr.on('error', () => {})
  const stop = new AbortController()
  const onSignal = (signal: keyof typeof INTERRUPTED_EXIT_CODES): void => {
    if (foreground.tellSignal(signal)) return
    const code = INTERRUPTED_EXIT_CODES[signal]
    // The second one of an impatient person ends at once.
    if (stop.signal.aborted) process.exit(code)
    stop.abort(new Error(signal))
    process.exitCode = code
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  const { runCli } = await import('./cli.ts')
  const code = await runCli(words, TOOL_VERSION, createIo(stop.signal, foreground))
  if (!stop.signal.aborted) process.exitCode = code
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal)
}

function createIo(signal: AbortSignal, foreground: ForegroundDesk): Io {
  const io: Io = {
    out: toOutput(process.stdout),
    error: toOutput(process.stderr),
    environment: process.env,
    signal,
    userId: process.getuid?.() ?? -1,
    userName: toUserName(),
    self: toSelf(process.argv[1] ?? 'rootless'),
    foreground,
  }
  return process.stdin.isTTY && process.stderr.isTTY ? { ...io, ask: (question) => ask(question, signal) } : io
}

// A user id without an entry in passwd(5) has no name.
function toUserName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '')
  }
}

function toOutput(stream: NodeJS.WriteStream): Output {
  const fromEnvironment = Number(process.env['COLUMNS'])
  const columns = stream.columns ?? (Number.isInteger(fromEnvironment) && fromEnvironment > 0 ? fromEnvironment : 100)
  return { write: (text) => void stream.write(text), isTerminal: stream.isTTY ?? false, columns }
}

/** `rootless` when it was called by that name, else the words that lead to this file from here. */
function toSelf(script: string): readonly string[] {
  return basename(script) === 'rootless' ? ['rootless'] : ['node', relative(process.cwd(), script) || script]
}

async function ask(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(question, { signal })
  } catch {
    return ''
  } finally {
    lines.close()
  }
}

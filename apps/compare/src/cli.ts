import { CommanderError } from 'commander'
import { EXIT, type Io } from './io.ts'
import { buildProgram } from './program.ts'

/** Runs the command of the words that a person typed, and returns the exit code. Never throws. */
export async function runCli(words: readonly string[], version: string, io: Io): Promise<number> {
  let code: number = EXIT.fine
  const program = buildProgram(version, io, (result) => {
    code = result
  })
  await addCompletion(program, words)
  if (words.length === 0) {
    program.outputHelp({ error: true })
    return EXIT.wrongUse
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : toWrongUse(words)
    if (CONTAINER_COMMANDS.has(words[0] ?? '')) {
      const { tellContainerError } = await import('./containers/tell-container-error.ts')
      return tellContainerError(error, io)
    }
    const { tellError } = await import('./tell-error.ts')
    return tellError(error, io)
  }
}

const CONTAINER_COMMANDS: ReadonlySet<string> = new Set([
  'ps',
  'logs',
  'stats',
  'stop',
  'rm',
  'cp',
  'load',
  'images',
  'sweep',
  'env',
])

// 1 to 124 are exit codes of a command inside: Docker's client says 125 of itself.
function toWrongUse(words: readonly string[]): number {
  return words[0] === 'run' || words[0] === 'exec' ? 125 : EXIT.wrongUse
}

/** `rootless completion bash`: by a library that reads the program above; it is loaded when somebody completes. */
async function addCompletion(program: ReturnType<typeof buildProgram>, words: readonly string[]): Promise<void> {
  if (words[0] === 'completion' || words[0] === 'complete') {
    const { default: addTab } = await import('@bomb.sh/tab/commander')
    addTab(program, { completionCommandName: 'completion' })
  } else {
    program.command('completion').description('a completion script for bash, zsh, fish or powershell').argument('<shell>')
  }
}

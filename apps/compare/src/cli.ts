import { CommanderError } from 'commander'
import { EXIT, type Io } from './io.ts'
import { buildProgram } from './program.ts'

/** Runs the command of the words that a person typed, and returns the exit code. Never throws. */
export async function runCli(words: readonly string[], version: string, io: Io): Promise<number> {
  let code: number = EXIT.fine
  const program = buildProgram(version, io, (result) => {
    code = result
  }).exitOverride()
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program)
  await addCompletion(program, words)
  if (words.length === 0) {
    program.outputHelp({ error: true })
    return EXIT.wrongUse
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.wrongUse
    const { tellError } = await import('./tell-error.ts')
    return tellError(error, io)
  }
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

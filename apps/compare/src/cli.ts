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
    program.outputHelp()
    return EXIT.wrongUse
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    return tell(error, io)
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

/** One clear error for a person: what happened, what was seen, what to type. */
async function tell(error: unknown, io: Io): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.wrongUse
  const { RootlessError } = await import('rootless-runtime')
  const { renderFix } = await import('./render/fixes.ts')
  const { toStyle } = await import('./render/style.ts')
  if (!(error instanceof RootlessError)) {
    const text = error instanceof Error ? error.message : String(error)
    io.error.write(`rootless: ${text}\nThis is a defect; please report it with what you typed.\n`)
    if (io.environment['ROOTLESS_DEBUG'] === '1' && error instanceof Error) io.error.write(`${error.stack}\n`)
    return EXIT.couldNotLook
  }
  io.error.write(`rootless: ${error.message}\n`)
  if (error.fix !== undefined) {
    const style = toStyle(io.error, io.environment)
    io.error.write(`${renderFix(error.fix, { style, self: io.self, isRoot: io.userId === 0 })}\n`)
  }
  if (error.code === 'INVALID_ARGUMENT') return EXIT.wrongUse
  if (error.code === 'REQUIREMENT_NOT_MET') return EXIT.requirementNotMet
  return error.code === 'ABORTED' ? EXIT.interrupted : EXIT.couldNotLook
}

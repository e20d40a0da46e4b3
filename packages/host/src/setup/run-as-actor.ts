import { printable, type System } from '@rootless-runtime/core'
import { toActorCommand } from './as-actor.ts'
import { quoteShellCommand } from './quote-shell-word.ts'
import type { Actor, SetupUser } from './setup-plan.ts'

const COMMAND_TIMEOUT_MS = 60_000
// apt prints some hundred bytes a package; a command that prints more than this is ended.
const MAXIMUM_OUTPUT_BYTES = 16 * 1024 * 1024
const MAXIMUM_WORDS_CHARACTERS = 600

export interface ActorCommand {
  readonly as: Actor
  readonly user: SetupUser
  readonly command: readonly string[]
  readonly input?: string
  readonly timeoutMs?: number
}

/** `words`: what went wrong, with the command and the last words that it said. */
export type ActorAnswer = { readonly ok: true; readonly stdout: string } | { readonly ok: false; readonly words: string }

export async function runAsActor(
  system: System,
  { as, user, command, input, timeoutMs = COMMAND_TIMEOUT_MS }: ActorCommand,
): Promise<ActorAnswer> {
  const [file, ...words] = toActorCommand(command, as, user, system.user.uid === 0)
  const answer = await system.run({
    file,
    arguments: words,
    timeoutMs,
    maximumOutputBytes: MAXIMUM_OUTPUT_BYTES,
    ...(input === undefined ? {} : { input }),
  })
  if (answer.status === 'exited' && answer.exitCode === 0) return { ok: true, stdout: answer.stdout }
  const name = `\`${printable(quoteShellCommand(command))}\``
  if (answer.status === 'absent') return { ok: false, words: `${name} did not run: ${answer.reason}` }
  const said = toLastWords(answer.stderr) || toLastWords(answer.stdout) || 'it said nothing'
  const how = answer.status === 'exited' ? `exited with ${answer.exitCode}` : answer.reason
  return { ok: false, words: `${name} ${how}: ${said}` }
}

/** The end of a command's output, where tools say what went wrong, made safe to show. */
export function toLastWords(text: string): string {
  const end = text.trimEnd().slice(-MAXIMUM_WORDS_CHARACTERS).toWellFormed()
  return printable(end, MAXIMUM_WORDS_CHARACTERS)
}

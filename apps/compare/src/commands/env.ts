import {
  ENGINE_NAMES,
  ENGINE_TITLES,
  printable,
  runtimeEnvironment,
  RootlessError,
  type EngineName,
  type RuntimeEnvironment,
} from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import type { EngineWords } from '../containers/engines.ts'
import { EXIT, type Io } from '../io.ts'
import { renderFix } from '../render/fixes.ts'
import { toStyle } from '../render/style.ts'

export interface EnvWords extends EngineWords {
  readonly format: 'shell' | 'json'
  readonly user?: string
}

/** `rootless env`: what other tools must be told to use an engine. 1 when it has nothing that they could use. */
export async function env(words: EnvWords, io: Io): Promise<number> {
  await becomeOwner(words.user, '--user', io)
  const answer = await choose(words.engine ?? ENGINE_NAMES, words.timeout * 1000, io)
  io.out.write(words.format === 'json' ? `${JSON.stringify(answer, undefined, 2)}\n` : renderShell(answer))
  if (answer.variables.length > 0) return EXIT.fine
  const [reason] = new Set(answer.absent.map((each) => each.reason))
  io.error.write(`rootless: ${ENGINE_TITLES[answer.engine]}: ${printable(reason ?? 'nothing to tell')}\n`)
  if (answer.fix !== undefined) {
    const style = toStyle(io.error, io.environment)
    io.error.write(`${renderFix(answer.fix, { style, self: io.self, isRoot: io.userId === 0, userName: io.userName })}\n`)
  }
  return EXIT.requirementNotMet
}

/** The first engine that is there and has something to tell; the last word of the last one when none has. */
async function choose(engines: readonly EngineName[], timeoutMs: number, io: Io): Promise<RuntimeEnvironment> {
  const answers: RuntimeEnvironment[] = []
  const errors: unknown[] = []
  for (const engine of engines) {
    try {
      const answer = await runtimeEnvironment(engine, { timeoutMs, signal: io.signal })
      if (answer.variables.length > 0) return answer
      answers.push(answer)
    } catch (error) {
      if (!(error instanceof RootlessError) || error.code === 'ABORTED') throw error
      errors.push(error)
    }
  }
  const [answer] = answers
  if (answer === undefined) throw errors[0]
  return answer
}

/** Lines for `eval "$(rootless env)"`: what leads elsewhere is removed. */
export function renderShell({ variables, absent, contexts }: RuntimeEnvironment): string {
  const lines = [
    ...variables.map(({ name, value, reason }) => `export ${name}=${quote(value)} # ${printable(reason)}`),
    ...absent.flatMap(({ name, reason, remove }) => (remove ? [`unset ${name} # ${printable(reason)}`] : [])),
    ...contexts.map((name) => `# or: docker context use ${printable(name)}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** A word for a POSIX shell: nothing in single quotes is read. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}

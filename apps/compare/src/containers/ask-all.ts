import type { EngineName, RootlessRuntime } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { askEngines, listSilent, openEngines, type EngineAnswer, type EngineWords } from './engines.ts'

/** What every command takes that asks all engines for something. */
export interface AskWords extends EngineWords {
  readonly format: 'text' | 'json'
  readonly user?: string
}

/** What all engines said. */
export interface AskedEngines<Value> {
  readonly answered: readonly { readonly engine: EngineName; readonly value: Value }[]
  /** For `--format json`: who was asked, and what became of it. */
  readonly engines: readonly { readonly engine: EngineName; readonly status: string; readonly reason: string | null }[]
  readonly exitCode: number
}

/** Asks every engine that was named, or all. Who could not be asked is told on stderr; 3 when nobody answered who was there. */
export async function askAll<Value>(
  words: AskWords,
  io: Io,
  ask: (runtime: RootlessRuntime) => Promise<Value>,
): Promise<AskedEngines<Value>> {
  await becomeOwner(words.user, '--user', io)
  const answers = await askEngines(await openEngines(words), words, ask)
  for (const line of listSilent(answers)) io.error.write(`rootless: ${line}\n`)
  const absent = answers.filter(({ answer }) => answer.status === 'unavailable')
  // Whoever names one wants to hear that it is not there.
  if (words.engine !== undefined || absent.length === answers.length) tellAbsent(absent, io)
  const answered = answers.flatMap(({ engine, answer }) =>
    answer.status === 'answered' ? [{ engine, value: answer.value }] : [],
  )
  const unknown = answers.some(({ answer }) => answer.status === 'unknown')
  const failed = answered.length === 0 || (words.engine !== undefined && (unknown || absent.length > 0))
  return { answered, engines: answers.map(toEntry), exitCode: failed ? EXIT.couldNotLook : EXIT.fine }
}

function tellAbsent(answers: readonly EngineAnswer<unknown>[], io: Io): void {
  for (const { answer } of answers) if (answer.status === 'unavailable') io.error.write(`rootless: ${answer.reason}\n`)
}

function toEntry({ engine, answer }: EngineAnswer<unknown>): AskedEngines<unknown>['engines'][number] {
  return { engine, status: answer.status, reason: answer.status === 'answered' ? null : answer.reason }
}

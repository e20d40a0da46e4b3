import { askAll, type AskWords } from '../containers/ask-all.ts'
import { parseLabels } from '../containers/parse-environment.ts'
import type { Io } from '../io.ts'
import { renderContainers, type ListedContainer } from '../render/containers.ts'
import { toStyle } from '../render/style.ts'

export interface PsWords extends AskWords {
  readonly all?: boolean
  readonly everyone?: boolean
  readonly quiet?: boolean
  readonly label?: readonly string[]
}

/** `rootless ps`: the containers that run, or all of them, on every engine at once. */
export async function ps(words: PsWords, io: Io): Promise<number> {
  const labels = words.label === undefined ? undefined : parseLabels(words.label)
  const { answered, engines, exitCode } = await askAll(words, io, ({ containers }) =>
    containers.list({ signal: io.signal, everyone: words.everyone === true, ...(labels && { labels }) }),
  )
  const listed = answered
    .flatMap(({ engine, value }) => value.map((state): ListedContainer => ({ engine, ...state })))
    .filter(({ status }) => words.all === true || status === 'running' || status === 'paused')
  if (words.format === 'json') io.out.write(`${JSON.stringify({ containers: listed, engines }, undefined, 2)}\n`)
  else if (words.quiet === true) for (const { id } of listed) io.out.write(`${id}\n`)
  else io.out.write(`${renderContainers(listed, toStyle(io.out, io.environment), new Date())}\n`)
  return exitCode
}

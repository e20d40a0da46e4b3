import { eachContainer, type ContainersWords } from '../containers/each-container.ts'
import { parseSeconds } from '../containers/parse-size.ts'
import type { Io } from '../io.ts'

export interface StopWords extends ContainersWords {
  readonly time?: string
}

/** `rootless stop CONTAINER...`: asks each to end, and ends it when it does not. */
export async function stop(names: readonly string[], words: StopWords, io: Io): Promise<number> {
  const timeoutMs = words.time === undefined ? undefined : parseSeconds('-t', words.time)
  return eachContainer(names, words, io, (container) =>
    container.stop({ signal: io.signal, ...(timeoutMs !== undefined && { timeoutMs }) }),
  )
}

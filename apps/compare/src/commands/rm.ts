import { eachContainer, type ContainersWords } from '../containers/each-container.ts'
import type { Io } from '../io.ts'

export interface RmWords extends ContainersWords {
  readonly force?: boolean
}

/** `rootless rm CONTAINER...` */
export async function rm(names: readonly string[], words: RmWords, io: Io): Promise<number> {
  return eachContainer(names, words, io, (container) =>
    container.remove({ signal: io.signal, ...(words.force === true && { force: true }) }),
  )
}

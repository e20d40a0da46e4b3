import type { Container } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { findContainer, type EngineWords } from './engines.ts'
import { tellContainerError } from './tell-container-error.ts'

/** What every command takes that does something to containers that are there. */
export interface ContainersWords extends EngineWords {
  readonly user?: string
}

/** Does the same to each container, at once. Each that fails is told, and stops no other; the worst exit code is the command's. */
export async function eachContainer(
  names: readonly string[],
  words: ContainersWords,
  io: Io,
  work: (container: Container) => Promise<void>,
): Promise<number> {
  await becomeOwner(words.user, '--user', io)
  const codes = await Promise.all(
    names.map(async (name): Promise<number> => {
      try {
        await work(await findContainer(name, words))
        io.out.write(`${name}\n`)
        return EXIT.fine
      } catch (error) {
        return tellContainerError(error, io)
      }
    }),
  )
  return Math.max(EXIT.fine, ...codes)
}

import { askAll, type AskWords } from '../containers/ask-all.ts'
import type { Io } from '../io.ts'
import { renderImages, type ListedImage } from '../render/containers.ts'
import { toStyle } from '../render/style.ts'

export interface ImagesWords extends AskWords {
  readonly quiet?: boolean
}

/** `rootless images`: what every engine has. */
export async function images(words: ImagesWords, io: Io): Promise<number> {
  const { answered, engines, exitCode } = await askAll(words, io, (runtime) => runtime.images.list({ signal: io.signal }))
  const listed = answered.flatMap(({ engine, value }) => value.map((image): ListedImage => ({ engine, ...image })))
  if (words.format === 'json') io.out.write(`${JSON.stringify({ images: listed, engines }, undefined, 2)}\n`)
  else if (words.quiet === true) for (const id of new Set(listed.map((image) => image.id))) io.out.write(`${id}\n`)
  else io.out.write(`${renderImages(listed, toStyle(io.out, io.environment))}\n`)
  return exitCode
}

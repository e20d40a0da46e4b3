import type { ArchivedImage, ImageArchive, OpenImageOptions, ReadingContext } from './image-archive.ts'
import { throwIfAborted } from './invalid-image.ts'
import { createReadingContext } from './reading-context.ts'

/** Makes the folder, and removes it when the work fails or its result is disposed. */
export async function spoolInto(
  options: OpenImageOptions,
  work: (context: ReadingContext) => Promise<readonly ArchivedImage[]>,
): Promise<ImageArchive> {
  throwIfAborted(options.signal)
  const context = await createReadingContext(options)
  const remove = (): Promise<void> => options.door.files.remove(context.folder)
  try {
    const images = await work(context)
    context.reportRest()
    return { images, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

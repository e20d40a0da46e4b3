import { abortedError, throwIfAborted } from './invalid-image.ts'
import type { ImageDoor } from './image-door.ts'

/** The bytes, until the signal fires: a source that never answers is left then. @throws RootlessError `ABORTED` */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  throwIfAborted(signal)
  if (signal === undefined) return yield* source
  const iterator = source[Symbol.asyncIterator]()
  let stop: ((error: Error) => void) | undefined
  const onAbort = (): void => stop?.(abortedError(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  let isOver = false
  try {
    while (true) {
      throwIfAborted(signal)
      // Not Promise.race with one promise for the signal: that would hold every chunk until the end.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = reject
        iterator.next().then(resolve, reject)
      })
      isOver = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Not awaited: a generator that hangs in next() would never answer.
    if (!isOver) void iterator.return?.()?.then(undefined, () => undefined)
  }
}

/** A piece of a file. It is shorter when the file is. */
export async function* readRange(
  door: Pick<ImageDoor, 'files'>,
  path: string,
  startByte: number,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  if (sizeBytes === 0) return
  let left = sizeBytes
  const stream: AsyncIterable<Uint8Array> = await door.files.openRead(path, { startByte })
  for await (const chunk of stream) {
    yield chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= chunk.length
    if (left <= 0) return
  }
}

/** All bytes at once, `null` when there are more than `maximumBytes`. */
export async function readAll(source: AsyncIterable<Uint8Array>, maximumBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of source) {
    length += chunk.length
    if (length > maximumBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Reads to the end for what happens on the way. */
export async function drain(source: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = source[Symbol.asyncIterator]()
  while ((await iterator.next()).done !== true);
}

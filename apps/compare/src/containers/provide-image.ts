import { printable, RootlessError, type RootlessRuntime } from 'rootless-runtime'
import type { Io } from '../io.ts'

export type PullChoice = 'missing' | 'always' | 'never'

/** Makes sure that the engine has the image: fetched from its registry when it is not there, or always, or never. */
export async function provideImage(
  runtime: RootlessRuntime,
  image: string,
  { pull, signal, io }: { readonly pull: PullChoice; readonly signal: AbortSignal; readonly io: Io },
): Promise<void> {
  if (pull !== 'always' && (pull === 'never' || (await isThere(runtime, image, signal)))) return
  const { engine } = runtime
  io.error.write(`pulling ${printable(image, 120)} for ${engine}\n`)
  try {
    await runtime.images.pull(image, { signal })
  } catch (error) {
    if (!(error instanceof RootlessError) || error.code === 'ABORTED' || pull === 'always') throw error
    throw new RootlessError(
      'IMAGE_NOT_FOUND',
      `${engine} has no image ${printable(image, 120)}, and it could not be fetched: ${error.message}`,
      {
        engine,
        cause: error,
        ...(error.evidence !== undefined && { evidence: error.evidence }),
        ...(error.fix && { fix: error.fix }),
      },
    )
  }
}

async function isThere(runtime: RootlessRuntime, image: string, signal: AbortSignal): Promise<boolean> {
  try {
    await runtime.images.inspect(image, { signal })
    return true
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'IMAGE_NOT_FOUND') return false
    throw error
  }
}

import { printable, RootlessError, type Image, type ImageProgress, type RootlessRuntime } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { openEngines, type EngineWords } from '../containers/engines.ts'
import { selectRuntime } from 'rootless-runtime'
import { EXIT, type Io, type Output } from '../io.ts'
import { renderBytes } from '../render/columns.ts'

export interface LoadWords extends EngineWords {
  readonly format: 'text' | 'json'
  readonly reference?: string
  readonly user?: string
}

/** `rootless load FILE|-`: an archive of an image, into the engines that were named, or the first that is there. */
export async function load(file: string, words: LoadWords, io: Io): Promise<number> {
  await becomeOwner(words.user, '--user', io)
  const runtimes = await chooseEngines(words)
  if (file === '-' && runtimes.length > 1)
    throw new RootlessError('INVALID_ARGUMENT', 'stdin can be read once: name one engine, or give a file')
  const loaded: { readonly engine: string; readonly images: readonly Image[] }[] = []
  // One after the other: each reads the whole archive.
  for (const runtime of runtimes) loaded.push({ engine: runtime.engine, images: await loadInto(runtime, file, words, io) })
  if (words.format === 'json') io.out.write(`${JSON.stringify({ loaded }, undefined, 2)}\n`)
  else
    for (const { engine, images } of loaded)
      for (const { id, references } of images) io.out.write(`loaded ${engine} ${printable(references.join(', ') || id)}\n`)
  return EXIT.fine
}

async function chooseEngines(words: LoadWords): Promise<readonly RootlessRuntime[]> {
  if (words.engine !== undefined) return openEngines(words)
  return [(await selectRuntime({ timeoutMs: words.timeout * 1000, require: {} })).runtime]
}

async function loadInto(runtime: RootlessRuntime, file: string, words: LoadWords, io: Io): Promise<readonly Image[]> {
  const progress = createLine(io.error)
  try {
    return await runtime.images.load(file === '-' ? io.foreground.stdin() : file, {
      signal: io.signal,
      onProgress: progress.report,
      ...(words.reference !== undefined && { reference: words.reference }),
    })
  } finally {
    progress.end()
  }
}

/** A line that is rewritten, on a terminal only. */
function createLine(output: Output): { readonly report: (progress: ImageProgress) => void; readonly end: () => void } {
  if (!output.isTerminal) return { report: () => {}, end: () => {} }
  return {
    report: ({ phase, bytes, totalBytes }) => {
      const total = totalBytes === null ? '' : ` of ${renderBytes(totalBytes)}`
      output.write(`\r\u001b[K${phase} ${renderBytes(bytes)}${total}`.slice(0, output.columns + 3))
    },
    end: () => output.write('\r\u001b[K'),
  }
}

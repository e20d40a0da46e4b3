import { posix } from 'node:path'
import { RootlessError, type ImageProgress } from '@rootless-runtime/core'
import { DEFAULT_LIMITS, type ImagePlatform, type OpenImageOptions, type ReadingContext } from './image-archive.ts'
import { invalidImage } from './invalid-image.ts'

/** Left of the spool folder's file system: a full one breaks what has nothing to do with us. */
const SPARED_BYTES = 64 * 1024 ** 2
const REPORT_EVERY_BYTES = 1024 ** 2

/** Makes our folder in the spool folder. @throws RootlessError `HOST_REFUSED` */
export async function createReadingContext(options: OpenImageOptions): Promise<ReadingContext> {
  const { door, spoolFolder, signal } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const free = await door.freeBytes(spoolFolder)
  const freeBytes = free.status === 'ok' ? Math.max(free.value - SPARED_BYTES, 0) : Number.MAX_SAFE_INTEGER
  const folder = await door.files.makeTemporaryDirectory(spoolFolder, 'image-')
  const spent = { archive: 0, layers: 0 }
  return {
    door,
    folder: posix.resolve(folder),
    limits,
    platform: options.platform ?? thisPlatform(),
    signal,
    spend(on, bytes) {
      spent[on] += bytes
      if (spent[on] > limits.maximumBytes)
        throw invalidImage('the archive', `has more than ${limits.maximumBytes} bytes unpacked`)
      if (spent.archive + spent.layers > freeBytes) {
        const why = `the image needs more than the ${freeBytes} bytes that ${spoolFolder} has free`
        throw new RootlessError('HOST_REFUSED', why, { evidence: 'ENOSPC' })
      }
    },
    ...createReporter(options.onProgress),
  }
}

function createReporter(onProgress: OpenImageOptions['onProgress']): Pick<ReadingContext, 'report' | 'reportRest'> {
  const latest = new Map<ImageProgress['phase'], ImageProgress>()
  const unsaid = new Set<ImageProgress['phase']>()
  return {
    report(phase, added, totalBytes = null) {
      const before = latest.get(phase)?.bytes ?? 0
      const progress = { phase, bytes: before + added, totalBytes }
      latest.set(phase, progress)
      const isDue = Math.floor(progress.bytes / REPORT_EVERY_BYTES) > Math.floor(before / REPORT_EVERY_BYTES)
      if (!isDue) return void unsaid.add(phase)
      unsaid.delete(phase)
      onProgress?.(progress)
    },
    reportRest() {
      for (const [phase, progress] of latest) if (unsaid.has(phase)) onProgress?.(progress)
    },
  }
}

/** Node's names of processors in Docker's words, which are Go's. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
])

function thisPlatform(): ImagePlatform {
  return { os: 'linux', architecture: ARCHITECTURES.get(process.arch) ?? process.arch }
}

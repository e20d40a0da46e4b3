import { posix } from 'node:path'
import { readRange, untilAborted } from './byte-stream.ts'
import type { ReadingContext } from './image-archive.ts'
import { invalidImage, showName } from './invalid-image.ts'
import type { TarEntry } from './tar-scanner.ts'

/** The files of an archive of images, wherever they are: in a tar or in a folder. */
export interface ArchiveContent {
  has(name: string): Promise<boolean>
  /** @throws RootlessError `IMAGE_INVALID` when there is none of that name, or two. */
  open(name: string): Promise<AsyncIterable<Uint8Array>>
}

/** What an archive of images can hold; a tar with more entries is a root file system. */
const MAXIMUM_INDEXED_ENTRIES = 16_384
const MAXIMUM_INDEXED_NAME_BYTES = 1024
const MAXIMUM_HOPS = 16

interface Indexed {
  readonly kind: 'file' | 'link' | 'twice'
  readonly startByte: number
  readonly sizeBytes: number
  readonly target: string
}

/** Notes where the files of a tar lie. */
export interface TarIndex {
  add(entry: TarEntry): void
  readonly isWhole: boolean
  get(name: string): Indexed | undefined
}

export function createTarIndex(): TarIndex {
  const byName = new Map<string, Indexed>()
  let isWhole = true
  return {
    get isWhole() {
      return isWhole
    },
    get: (name) => byName.get(name),
    add(entry) {
      if (entry.kind === 'directory') return
      if (byName.size >= MAXIMUM_INDEXED_ENTRIES || entry.name.length > MAXIMUM_INDEXED_NAME_BYTES) {
        isWhole = false
        return
      }
      const name = posix.normalize(entry.name)
      const kind = byName.has(name) ? 'twice' : entry.kind === 'file' ? 'file' : 'link'
      byName.set(name, { kind, startByte: entry.contentAt, sizeBytes: entry.sizeBytes, target: toTarget(entry, name) })
    },
  }
}

function toTarget(entry: TarEntry, name: string): string {
  if (entry.kind === 'hardlink') return posix.normalize(entry.linkName)
  return entry.kind === 'symlink' ? posix.join(posix.dirname(name), entry.linkName) : ''
}

/** A tar of images that lies in a file and is not compressed. */
export function createTarContent(context: ReadingContext, path: string, index: TarIndex): ArchiveContent {
  function find(name: string): Indexed {
    let target = posix.normalize(Buffer.from(name, 'utf8').toString('latin1'))
    // `docker save` before 25 writes a layer that two images share once, and links to it.
    for (let hop = 0; hop < MAXIMUM_HOPS; hop += 1) {
      const found = index.get(target)
      if (found === undefined) throw invalidImage('the archive', `has no file ${showName(target)}`)
      // Engines differ in which of two they take.
      if (found.kind === 'twice') throw invalidImage('the archive', `has the file ${showName(target)} twice`)
      if (found.kind === 'file') return found
      target = found.target
    }
    throw invalidImage('the archive', `has links in a circle at ${showName(target)}`)
  }
  return {
    has: (name) => Promise.resolve(index.get(name) !== undefined),
    open(name) {
      const { startByte, sizeBytes } = find(name)
      return Promise.resolve(untilAborted(readRange(context.door, path, startByte, sizeBytes), context.signal))
    },
  }
}

/** A folder with an OCI layout. Only plain files below it are opened: a FIFO would hang. */
export function createFolderContent(context: ReadingContext, folder: string): ArchiveContent {
  async function kindOf(name: string): Promise<string> {
    const answer = await context.door.status(posix.join(folder, name))
    return answer.status === 'ok' ? answer.value.kind : answer.status
  }
  return {
    has: async (name) => (await kindOf(name)) !== 'absent',
    async open(name) {
      const kind = await kindOf(name)
      if (kind === 'absent') throw invalidImage('the layout', `has no file ${showName(name)}`)
      if (kind !== 'file') throw invalidImage('the layout', `${showName(name)} is no plain file: ${kind}`)
      const stream: AsyncIterable<Uint8Array> = await context.door.files.openRead(posix.join(folder, name))
      return untilAborted(stream, context.signal)
    },
  }
}

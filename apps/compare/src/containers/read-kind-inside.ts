import type { Readable } from 'node:stream'
import { RootlessError, type Container } from 'rootless-runtime'

const BLOCK_BYTES = 512
const TYPE_OFFSET = 156
const FOLDER_TYPE = '5'
const SYMLINK_TYPE = '2'
/** What stands before an entry and belongs to it: a long name, or extended headers (POSIX pax, GNU tar). */
const PREFIX_TYPES: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K'])
const SIZE_OFFSET = 124
const SIZE_CHARACTERS = 12

/** What a path inside is, by the first entry of its tar stream, of which no more is read. A link is what it leads to. */
export async function readKindInside(
  container: Container,
  path: string,
  signal: AbortSignal,
): Promise<'folder' | 'file' | 'absent'> {
  try {
    const type = await readFirstType(await container.copyOut(path, { signal }))
    if (type !== SYMLINK_TYPE) return type === FOLDER_TYPE ? 'folder' : 'file'
    // Its own folder is asked for through the link.
    return (await readFirstType(await container.copyOut(`${path.replace(/\/+$/u, '')}/.`, { signal }))) === FOLDER_TYPE
      ? 'folder'
      : 'file'
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'PATH_NOT_FOUND') return 'absent'
    throw error
  }
}

async function readFirstType(tar: Readable): Promise<string> {
  let bytes = Buffer.alloc(0)
  let offset = 0
  for await (const piece of tar) {
    bytes = Buffer.concat([bytes, piece])
    while (bytes.length >= offset + BLOCK_BYTES) {
      const type = String.fromCodePoint(bytes[offset + TYPE_OFFSET] ?? 0)
      // Leaving the loop destroys the stream.
      if (!PREFIX_TYPES.has(type)) return type
      const size = Number.parseInt(bytes.toString('latin1', offset + SIZE_OFFSET, offset + SIZE_OFFSET + SIZE_CHARACTERS), 8)
      offset += BLOCK_BYTES * (1 + Math.ceil((Number.isNaN(size) ? 0 : size) / BLOCK_BYTES))
    }
  }
  throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', 'the tar stream of the container ended before its first entry')
}

import { invalidEntry } from './invalid-image.ts'
import type { TarEntry } from './tar-scanner.ts'

/** What the name of a whiteout begins with. */
export const WHITEOUT = '.wh.'

/** Linux: PATH_MAX with its NUL, and NAME_MAX. */
export const MAXIMUM_PATH_BYTES = 4095
const MAXIMUM_NAME_BYTES = 255

/** Whether a name in a folder needs no second look. */
export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && name.length <= MAXIMUM_NAME_BYTES && !name.startsWith(WHITEOUT)
}

/** Bytes of a name between slashes; the root is none of them. @throws RootlessError `IMAGE_INVALID` */
export function parseEntryPath(entry: TarEntry, where: string): readonly string[] {
  const { name } = entry
  const refuse = (reason: string): never => {
    throw invalidEntry(where, name, reason)
  }
  if (name === '') return refuse('has no name')
  if (name.length > MAXIMUM_PATH_BYTES) return refuse(`has a name of ${name.length} bytes; Linux allows ${MAXIMUM_PATH_BYTES}`)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  // Kaniko writes the root itself as `/`.
  if (name.startsWith('/') && parts.length > 0) return refuse('has an absolute name')
  if (parts.includes('..')) return refuse('leaves the root with ".."')
  if (parts.some((part) => part.length > MAXIMUM_NAME_BYTES)) return refuse(`has a name of more than ${MAXIMUM_NAME_BYTES} bytes`)
  return parts
}

/** The path that a hard link names, from the root. @throws RootlessError `IMAGE_INVALID` */
export function parseHardLinkPath(entry: TarEntry, where: string): readonly string[] {
  const parts = entry.linkName.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.length === 0) throw invalidEntry(where, entry.name, 'is a hard link to nothing')
  if (entry.linkName.startsWith('/')) throw invalidEntry(where, entry.name, 'is a hard link to an absolute name')
  if (parts.includes('..')) throw invalidEntry(where, entry.name, 'is a hard link that leaves the root with ".."')
  return parts
}

/** Refuses what no engine could make, or should; the root has the depth 0. @throws RootlessError `IMAGE_INVALID` */
export function checkEntry(entry: TarEntry, depth: number, where: string): void {
  const { name } = entry
  if (entry.kind === 'character-device' || entry.kind === 'block-device') {
    const [major, minor] = entry.device
    throw invalidEntry(
      where,
      name,
      `is a ${entry.kind.replace('-', ' ')} (${major}, ${minor}): without root no device can be made`,
    )
  }
  if (depth === 0 && entry.kind !== 'directory') throw invalidEntry(where, name, `is the root, and a ${entry.kind}`)
  if (entry.kind === 'symlink') checkSymbolicLink(entry, depth, where)
}

/**
 * A link with `..` that leads above the root, counted in names alone: Docker refuses it too (pkg/archive, "invalid symlink").
 * An absolute one is fine: inside, it begins at the container's root.
 */
function checkSymbolicLink(entry: TarEntry, entryDepth: number, where: string): void {
  if (entry.linkName === '') throw invalidEntry(where, entry.name, 'is a link to nothing')
  if (entry.linkName.length > MAXIMUM_PATH_BYTES) throw invalidEntry(where, entry.name, 'is a link to a name that is too long')
  if (entry.linkName.startsWith('/')) return
  let depth = entryDepth - 1
  for (const part of entry.linkName.split('/')) {
    if (part === '' || part === '.') continue
    depth += part === '..' ? -1 : 1
    if (depth < 0)
      throw invalidEntry(where, entry.name, `is a link that leaves the root: ${JSON.stringify(entry.linkName.slice(0, 100))}`)
  }
}

import { posix } from 'node:path'
import { RootlessError, printable } from '@rootless-runtime/core'

/** Something to be mounted: what, and where in the container. */
export interface PlannedMount {
  readonly source: string
  /** A path inside; the real one, without links, once the root was asked. */
  readonly target: string
  /** What has to be there to be mounted upon. */
  readonly kind: 'directory' | 'file'
  readonly fileSystem: 'none' | 'tmpfs'
  readonly options: readonly string[]
}

/** Parents before what is mounted in them. */
export function sortByDepth(mounts: readonly PlannedMount[]): readonly PlannedMount[] {
  return mounts.toSorted((one, other) => one.target.split('/').length - other.target.split('/').length)
}

/**
 * One line of lxc.container.conf(5), which is one of fstab(5): blanks are written as `\040`. Never `create=`: LXC makes such a target
 * before it looks for links, and so outside of the container (5.0.2).
 *
 * @throws RootlessError `INVALID_ARGUMENT`
 */
export function toMountLine({ source, target, fileSystem, options }: PlannedMount): string {
  const relative = posix.relative('/', target)
  if (relative === '') throw invalidPath(target, 'is the root of the container')
  return `lxc.mount.entry = ${escape(source)} ${escape(relative)} ${fileSystem} ${options.join(',')} 0 0`
}

/** getmntent(3) knows these four. */
const ESCAPES: ReadonlyMap<string, string> = new Map([
  [' ', '\\040'],
  ['\t', '\\011'],
  ['\n', '\\012'],
  ['\\', '\\134'],
])

function escape(path: string): string {
  if (path.includes('\0') || path.includes('\r')) throw invalidPath(path, 'holds a character that no line of a configuration can')
  return path.replaceAll(/[ \t\n\\]/gu, (character) => ESCAPES.get(character) ?? character)
}

function invalidPath(path: string, why: string): RootlessError {
  return new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(printable(path))} cannot be mounted: it ${why}`, {
    engine: 'lxc',
  })
}

/** Mount points below a folder of the host, deepest last: a read-only mount has to name each, or it can be written to. */
export function listMountsBelow(folder: string, mountPoints: readonly string[]): readonly string[] {
  const below = mountPoints.filter((point) => point !== folder && point.startsWith(folder === '/' ? '/' : `${folder}/`))
  return [...new Set(below)].toSorted((one, other) => one.length - other.length)
}

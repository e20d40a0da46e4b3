import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RootlessError, type Container } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { parseCopyPlace, splitPath, type CopyPlace } from '../containers/copy-paths.ts'
import type { ContainersWords } from '../containers/each-container.ts'
import { findContainer } from '../containers/engines.ts'
import { isFolder, pack, type PackSource } from '../containers/pack.ts'
import { readKindInside } from '../containers/read-kind-inside.ts'
import { unpackInto } from '../containers/unpack.ts'
import { EXIT, type Io } from '../io.ts'

/** `rootless cp`: between a container and this machine, or a tar stream. Where things land is as with `docker cp`. */
export async function cp(from: string, to: string, words: ContainersWords, io: Io): Promise<number> {
  const [source, target] = [parseCopyPlace(from), parseCopyPlace(to)]
  if (source.kind === 'container' && target.kind !== 'container') {
    const container = await open(source.container, words, io)
    await copyOut(container, source.path, target, io)
    return EXIT.fine
  }
  if (target.kind === 'container' && source.kind !== 'container') {
    const container = await open(target.container, words, io)
    await copyIn(container, source, target.path, io)
    return EXIT.fine
  }
  throw new RootlessError('INVALID_ARGUMENT', 'one side is CONTAINER:PATH, and the other a path of this machine or -')
}

async function open(name: string, words: ContainersWords, io: Io): Promise<Container> {
  await becomeOwner(words.user, '--user', io)
  return findContainer(name, words)
}

async function copyOut(
  container: Container,
  path: string,
  target: Exclude<CopyPlace, { kind: 'container' }>,
  { foreground, signal }: Io,
): Promise<void> {
  const contents = path.endsWith('/.')
  const place = target.kind === 'local' ? await chooseLocalPlace(target.path, contents) : null
  const tar = await container.copyOut(contents ? path.slice(0, -1) : path, { signal })
  if (place === null) await pipeline(tar, foreground.stdout, { end: false })
  else await unpackInto(tar, { ...place, signal })
}

/** A folder that is there takes it; else the last name is what it is called, in a folder that is there. */
async function chooseLocalPlace(
  path: string,
  contents: boolean,
): Promise<{ readonly folder: string; readonly name?: string; readonly contents?: boolean }> {
  const there = await stat(path).catch(() => null)
  if (there?.isDirectory() === true) return contents ? { folder: resolve(path), contents } : { folder: resolve(path) }
  const { folder, name } = splitPath(resolve(path))
  if (!(await isFolder(`${folder}/`))) throw new RootlessError('PATH_NOT_FOUND', `${folder} is no folder`)
  if (path.endsWith('/') && there === null) throw new RootlessError('PATH_NOT_FOUND', `${path} is not there`)
  return { folder, name }
}

async function copyIn(
  container: Container,
  source: Exclude<CopyPlace, { kind: 'container' }>,
  path: string,
  { foreground, signal }: Io,
): Promise<void> {
  if (source.kind === 'stream') return container.copyIn(foreground.stdin(), path, { signal })
  const { folder, name } = await chooseInsidePlace(container, source.path, path, signal)
  await sendPacked(container, { path: source.path, name, signal }, folder)
}

async function sendPacked(container: Container, source: PackSource, folder: string): Promise<void> {
  const { tar, whole, stop } = await pack(source)
  try {
    await container.copyIn(tar, folder, { signal: source.signal })
    await whole
  } finally {
    stop()
    tar.destroy()
  }
}

/** As `docker cp`: into a folder that is there, under its own name; else under the name that was given. */
async function chooseInsidePlace(
  container: Container,
  local: string,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly folder: string; readonly name: string | null }> {
  const isLocalFolder = await isFolder(local)
  const kind = await readKindInside(container, path, signal)
  if (kind === 'folder') {
    const contents = isLocalFolder && /(?:^|\/)\.\/?$/u.test(local)
    return { folder: path, name: contents ? null : splitPath(resolve(local)).name }
  }
  if (kind === 'file' && isLocalFolder)
    throw new RootlessError('INVALID_ARGUMENT', `a folder cannot take the place of the file ${path}`)
  if (kind === 'absent' && path.endsWith('/') && !isLocalFolder)
    throw new RootlessError('PATH_NOT_FOUND', `the container has no folder ${path}`)
  return splitPath(path)
}

import { execFileSync } from 'node:child_process'
import { lstat, mkdir, readFile, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { flattenLayers } from '../src/index.ts'
import { dockerArchive, door, openBytes, type RawEntry } from './image-fixtures.ts'

/** What GNU tar makes of bytes, in a folder. */
export async function extract(tar: Buffer, target: string): Promise<string> {
  await mkdir(target, { recursive: true })
  execFileSync('tar', ['-x', '-p', '-C', target], { input: tar, stdio: ['pipe', 'pipe', 'pipe'] })
  return target
}

/** Every path below a folder: kind, permissions, content or target, and which paths are one file. */
export async function describeFolder(root: string): Promise<readonly string[]> {
  const lines: string[] = []
  const inodes = new Map<number, string>()
  for (const path of await listPaths(root)) {
    const found = await lstat(join(root, path))
    const mode = (found.mode & 0o7777).toString(8)
    const twin = inodes.get(found.ino)
    if (!found.isDirectory()) inodes.set(found.ino, path)
    if (twin !== undefined) lines.push(`${path} is ${twin}`)
    else if (found.isSymbolicLink()) lines.push(`${path} -> ${await readlink(join(root, path))}`)
    else if (found.isDirectory()) lines.push(`${path}/ ${mode}`)
    else lines.push(`${path} ${mode} ${await readFile(join(root, path), 'utf8')}`)
  }
  return lines
}

/** Sorted; a link is not followed, as `readdir` with `recursive` does. */
async function listPaths(root: string, below = ''): Promise<readonly string[]> {
  const paths: string[] = []
  for (const each of await readdir(join(root, below), { withFileTypes: true })) {
    paths.push(join(below, each.name))
    if (each.isDirectory()) paths.push(...(await listPaths(root, join(below, each.name))))
  }
  return paths.toSorted()
}

/** All layers as one tar. */
export async function flatten(layers: readonly Buffer[], spoolFolder: string): Promise<Buffer> {
  await using archive = await openBytes(dockerArchive(layers), spoolFolder)
  const [image] = archive.images
  if (image === undefined) throw new Error('no image')
  return await buffer(flattenLayers(image, { door }))
}

export const dir = (name: string, mode?: number): RawEntry => ({
  name: `${name}/`,
  type: '5',
  ...(mode === undefined ? {} : { mode }),
})
export const file = (name: string, content: string): RawEntry => ({ name, content })
export const link = (name: string, target: string): RawEntry => ({ name, type: '2', link: target })
export const hard = (name: string, target: string): RawEntry => ({ name, type: '1', link: target })

import { once } from 'node:events'
import { mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { createLocalSystem } from '@rootless-runtime/host'
import { printable, RootlessError, type SpawnedProcess } from 'rootless-runtime'
import { moveInto, removeFolder } from './merge-folder.ts'

/** Where what comes out of a container goes. */
export interface UnpackTarget {
  /** A folder that exists. */
  readonly folder: string
  /** What the first entry is called there; its own name unless told. */
  readonly name?: string
  /** What is in the first entry, which is a folder, rather than itself. */
  readonly contents?: boolean
  readonly signal: AbortSignal
}

/**
 * Unpacks a tar stream that a container made, which may want to write anywhere. GNU tar unpacks it in an empty folder of its own,
 * where there is no link to follow: it makes links to elsewhere last, and refuses `..` and absolute names (its manual, "Security
 * Rules of Thumb"). Then that is moved to the target, where no link is followed either. On any failure nothing is left.
 */
export async function unpackInto(tar: Readable, { folder, name, contents, signal }: UnpackTarget): Promise<void> {
  const staging = await mkdtemp(join(folder, '.rootless-cp-')).catch((cause: unknown) => {
    throw new RootlessError('HOST_REFUSED', `nothing can be written in ${folder}: ${toReason(cause)}`, { cause })
  })
  try {
    await extract(tar, staging, signal)
    const [first, ...more] = await readdir(staging)
    if (first === undefined) throw new RootlessError('HOST_REFUSED', 'the container gave nothing')
    if (more.length > 0) throw new RootlessError('HOST_REFUSED', `more than was asked for: ${printable(more.join(', '), 200)}`)
    if (contents === true) await moveInto(join(staging, first), folder)
    else await moveInto(join(staging, first), join(folder, name ?? first))
  } finally {
    await removeFolder(staging)
  }
}

function toReason(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}

// Owners inside mean nothing here; set-user-ID bits are left out by tar for whoever is not root, and told so here.
const EXTRACT = ['--extract', '--no-same-owner', '--no-same-permissions', '--no-xattrs', '--no-acls', '--no-selinux', '--file=-']

async function extract(tar: Readable, folder: string, signal: AbortSignal): Promise<void> {
  const spawned = await createLocalSystem({ signal }).spawn({
    file: 'tar',
    arguments: [...EXTRACT, '--directory', folder],
    environment: { TAR_OPTIONS: undefined, LC_ALL: 'C' },
    lifetime: 'caller',
  })
  if (spawned.status !== 'ok') throw new RootlessError('HOST_REFUSED', `tar: ${spawned.reason}`)
  const { stdout, ended, kill } = spawned.value
  stdout.resume()
  const said = readWords(spawned.value)
  try {
    await feed(tar, spawned.value)
  } catch (cause) {
    // It must not take what came so far for the whole.
    kill('SIGKILL')
    await ended
    signal.throwIfAborted()
    throw cause instanceof RootlessError ? cause : notUnpacked(toReason(cause), cause)
  }
  const end = await ended
  signal.throwIfAborted()
  if (!('exitCode' in end) || end.exitCode !== 0) throw notUnpacked(await said)
}

function notUnpacked(reason: string, cause?: unknown): RootlessError {
  return new RootlessError('HOST_REFUSED', `what the container gave was not unpacked: ${printable(reason, 400)}`, { cause })
}

/** To the end of the stream, or of tar: it stops reading behind the end of the archive, and when it gives up. */
async function feed(source: Readable, { stdin, ended }: SpawnedProcess): Promise<void> {
  let over = false
  const end = ended.then(() => {
    over = true
  })
  for await (const piece of source) {
    // Leaving destroys the stream.
    if (over) return
    if (!stdin.write(piece)) await Promise.race([once(stdin, 'drain').catch(() => {}), end])
  }
  stdin.end()
}

const LONGEST_WORDS_CHARACTERS = 4000

async function readWords({ stderr }: SpawnedProcess): Promise<string> {
  let words = ''
  for await (const piece of stderr) if (words.length < LONGEST_WORDS_CHARACTERS) words += String(piece)
  return words
}

import { createReadStream, createWriteStream, watch as watchPath } from 'node:fs'
import { appendFile, chmod, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Readable } from 'node:stream'
import { printable, RootlessError, type FileContent, type SystemFiles, type WriteOptions } from '@rootless-runtime/core'
import { errorCode } from './answer-within.ts'

const PRIVATE_FILE = 0o600
const PRIVATE_FOLDER = 0o700

/** The files of this machine, changed. What it makes is for this user alone unless told. */
export function createFiles(): SystemFiles {
  return {
    makeDirectory: (path, { mode = PRIVATE_FOLDER } = {}) => change('make the folder', path, () => makeDirectory(path, mode)),
    makeTemporaryDirectory: (parent, prefix) =>
      change('make a folder in', parent, async () => await mkdtemp(join(parent, prefix))),
    write: (path, content, options = {}) => change('write', path, () => replaceFile(path, content, options)),
    writeNew: (path, content, { mode = PRIVATE_FILE } = {}) => change('write', path, () => writeNew(path, content, mode)),
    append: (path, content) => change('write', path, () => appendFile(path, content, { mode: PRIVATE_FILE })),
    openRead: (path, { startByte = 0 } = {}) => change('read', path, () => openRead(path, startByte)),
    rename: (from, to) => change('rename', from, () => rename(from, to)),
    // Somebody may put a file into a folder that is being emptied.
    remove: (path) => change('remove', path, () => rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 })),
    watch,
  }
}

async function change<Value>(verb: string, path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RootlessError) throw error
    const word = errorCode(error)
    const why = word === '' ? printable(String(error)) : word
    throw new RootlessError('HOST_REFUSED', `cannot ${verb} ${printable(path)}: ${why}`, { cause: error, evidence: why })
  }
}

// umask(2) takes bits of a mode that was asked for; a folder that others are meant to enter would be closed to them.
async function makeDirectory(path: string, mode: number): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode })
  if (made !== undefined) await chmod(path, mode)
}

let written = 0

async function replaceFile(path: string, content: FileContent, { mode = PRIVATE_FILE, signal }: WriteOptions): Promise<void> {
  const beside = `${path}.${process.pid}-${(written += 1)}.part`
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(beside, content, { mode, signal })
    else await pipeline(content, createWriteStream(beside, { mode }), { signal })
    await chmod(beside, mode)
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    if (signal?.aborted === true)
      throw new RootlessError('ABORTED', `${printable(path)} was not written: aborted`, { cause: error })
    throw error
  }
}

async function writeNew(path: string, content: string, mode: number): Promise<boolean> {
  try {
    await writeFile(path, content, { mode, flag: 'wx' })
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

async function openRead(path: string, startByte: number): Promise<Readable> {
  const handle = await open(path, 'r')
  return createReadStream(path, { fd: handle, start: startByte })
}

async function* watch(path: string, signal: AbortSignal): AsyncIterable<void> {
  let wake = Promise.withResolvers<void>()
  const watcher = watchPath(path, { signal, persistent: false }, () => wake.resolve())
  watcher.on('error', () => wake.resolve())
  const onAbort = (): void => wake.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    while (!signal.aborted) {
      await wake.promise
      wake = Promise.withResolvers<void>()
      if (!signal.aborted) yield
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    watcher.close()
  }
}

import { closeSync, constants, openSync, readSync, statSync, type Stats } from 'node:fs'
import { access, open, opendir, realpath, stat, statfs } from 'node:fs/promises'
import { printable, type Answer, type FileKind, type FileStatus } from '@rootless-runtime/core'
import { failed, toErrorAnswer } from './answer-within.ts'

export const DEFAULT_MAXIMUM_BYTES = 1024 * 1024
const CHUNK_BYTES = 64 * 1024
const MAXIMUM_ENTRIES = 100_000

/**
 * Reads a regular file, those of /proc and /sys included. Anything else is refused before it is opened: opening a fifo
 * blocks, and opening a device may do something.
 */
export async function readRegularFile(path: string, maximumBytes: number, stop: AbortSignal): Promise<Answer<string>> {
  const kind = toKind(await stat(path))
  if (kind !== 'file') return failed(`${printable(path)} is a ${kind}, not a file`)
  // O_NONBLOCK: the file may have been replaced by a fifo since, and some files of /proc wait for data that never comes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    if (!(await file.stat()).isFile()) return failed(`${printable(path)} is no longer a file`)
    const chunks: Buffer[] = []
    let bytes = 0
    while (!stop.aborted) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maximumBytes + 1 - bytes)))
      if (bytesRead === 0) return { status: 'ok', value: Buffer.concat(chunks).toString('utf8') }
      bytes += bytesRead
      if (bytes > maximumBytes) return failed(`${printable(path)} is larger than ${maximumBytes} bytes`)
      chunks.push(buffer.subarray(0, bytesRead))
    }
    return failed(`${printable(path)} did not end in time`)
  } finally {
    await file.close()
  }
}

// What the kernel answers itself and at once: no disk, no server and no other process stands behind it.
const KERNEL_FILES = /^\/(?:proc\/(?:sys|self)|sys)\/(?!.*\.\.)/u

export function isKernelFile(path: string): boolean {
  return KERNEL_FILES.test(path)
}

/** Reads a file that the kernel makes while it is read. Synchronous: six hops through threads would cost fifty times as much. */
export function readKernelFile(path: string, maximumBytes: number): Answer<string> {
  try {
    if (!statSync(path).isFile()) return failed(`${printable(path)} is not a file`)
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    try {
      return readToEnd(file, path, maximumBytes)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return toErrorAnswer(path, error)
  }
}

function readToEnd(file: number, path: string, maximumBytes: number): Answer<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for (;;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maximumBytes + 1 - bytes))
    const bytesRead = readSync(file, buffer)
    if (bytesRead === 0) return { status: 'ok', value: Buffer.concat(chunks).toString('utf8') }
    bytes += bytesRead
    if (bytes > maximumBytes) return failed(`${printable(path)} is larger than ${maximumBytes} bytes`)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

export async function readDirectoryNames(path: string, stop: AbortSignal): Promise<Answer<readonly string[]>> {
  const names: string[] = []
  for await (const entry of await opendir(path, { bufferSize: 256 })) {
    names.push(entry.name)
    if (names.length > MAXIMUM_ENTRIES) return failed(`${printable(path)} has more than ${MAXIMUM_ENTRIES} entries`)
    if (stop.aborted) return failed(`${printable(path)} was not listed in time`)
  }
  return { status: 'ok', value: names.toSorted() }
}

export async function readStatus(path: string): Promise<Answer<FileStatus>> {
  const status = await stat(path)
  const [readable, writable] = await Promise.all([canAccess(path, constants.R_OK), canAccess(path, constants.W_OK)])
  const { uid, gid } = status
  return { status: 'ok', value: { kind: toKind(status), mode: status.mode & 0o7777, uid, gid, readable, writable } }
}

export async function readRealPath(path: string): Promise<Answer<string>> {
  return { status: 'ok', value: await realpath(path) }
}

export async function readFreeBytes(path: string): Promise<Answer<number>> {
  const { bavail, bsize } = await statfs(path)
  // A distributed or invented file system may claim more than a number can count.
  return { status: 'ok', value: Math.min(bavail * bsize, Number.MAX_SAFE_INTEGER) }
}

/** Whether access(2) grants the mode, for the ids of this process. */
export async function canAccess(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode)
    return true
  } catch {
    return false
  }
}

export function toKind(status: Stats): FileKind {
  if (status.isFile()) return 'file'
  if (status.isDirectory()) return 'directory'
  if (status.isSocket()) return 'socket'
  if (status.isFIFO()) return 'fifo'
  if (status.isCharacterDevice()) return 'character-device'
  return status.isBlockDevice() ? 'block-device' : 'other'
}

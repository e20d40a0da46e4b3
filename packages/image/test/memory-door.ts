import { Readable } from 'node:stream'
import type { ImageDoor } from '../src/index.ts'

export interface MemoryDoor extends ImageDoor {
  /** What is there now, by path. */
  readonly written: ReadonlyMap<string, Buffer>
  /** Every path that was ever written, made or removed. */
  readonly touched: ReadonlySet<string>
}

/** The door on files that are in memory: a fuzz test opens ten thousand archives. */
export function createMemoryDoor(): MemoryDoor {
  const written = new Map<string, Buffer>()
  const touched = new Set<string>()
  let folders = 0
  return {
    written,
    touched,
    status: () => Promise.resolve({ status: 'absent', reason: 'ENOENT' }),
    freeBytes: () => Promise.resolve({ status: 'ok', value: 1e12 }),
    files: {
      makeDirectory: (path) => Promise.resolve(void touched.add(path)),
      makeTemporaryDirectory: (parent, prefix) => {
        folders += 1
        const path = `${parent}/${prefix}${folders}`
        touched.add(path)
        return Promise.resolve(path)
      },
      write: async (path, content) => {
        touched.add(path)
        const chunks: Uint8Array[] = []
        for await (const chunk of content) chunks.push(chunk)
        written.set(path, Buffer.concat(chunks))
      },
      openRead: (path, { startByte = 0 } = {}) => {
        const bytes = written.get(path)
        if (bytes === undefined) return Promise.reject(new Error(`no file ${path}`))
        return Promise.resolve(Readable.from([bytes.subarray(startByte)]))
      },
      remove: (path) => {
        touched.add(path)
        for (const each of written.keys()) if (each === path || each.startsWith(`${path}/`)) written.delete(each)
        return Promise.resolve()
      },
    },
  }
}

import { closeSync, createReadStream, existsSync, openSync, statSync, truncateSync, write } from 'node:fs'
import { createLogParser, encodeLogHeader, type LogStream } from '../lxc-log-format.ts'

export interface ContainerLog {
  /** Resolves when it is written; what cannot be written is left out, and the command goes on. */
  append(stream: LogStream, data: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Opens a log for appending, after it was cut to its last whole entry. */
export async function openContainerLog(path: string): Promise<ContainerLog> {
  if (existsSync(path)) await cutToWhole(path)
  const file = openSync(path, 'a', 0o600)
  let last = Promise.resolve()
  let isCut = false
  const append = async (stream: LogStream, data: Uint8Array): Promise<void> => {
    if (isCut) return
    const bytes = Buffer.concat([encodeLogHeader(stream, data.byteLength, Date.now()), data])
    try {
      await writeAll(file, bytes)
    } catch (error) {
      // A full disk ends the log and not the command: its streams are still told to whoever is attached.
      isCut = true
      process.stderr.write(`the log ends here: ${String(error)}\n`)
    }
  }
  return {
    append: (stream, data) => (last = last.then(() => append(stream, data))),
    close: async () => {
      await last
      closeSync(file)
    },
  }
}

async function cutToWhole(path: string): Promise<void> {
  const parser = createLogParser()
  for await (const chunk of createReadStream(path)) parser.push(chunk)
  if (parser.restBytes > 0) truncateSync(path, statSync(path).size - parser.restBytes)
}

async function writeAll(file: number, bytes: Buffer): Promise<void> {
  let position = 0
  while (position < bytes.length) position += await writeSome(file, bytes.subarray(position))
}

function writeSome(file: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, (error, written) => (error === null ? resolve(written) : reject(error)))
  })
}

import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, ContainerProcess, LogEntry, LogOptions } from '@rootless-runtime/core'
import { extract, type Header } from 'tar-stream'

/** Every byte of a stream. */
export async function collectBytes(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError(`a stream gave ${typeof chunk} where bytes were due`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What a command inside says and how it ends, its two streams read together. */
export async function collectProcess({ stdout, stderr, ended }: ContainerProcess) {
  const [out, err, exitCode] = await Promise.all([collectBytes(stdout), collectBytes(stderr), ended])
  return { stdout: out, stderr: err, exitCode }
}

/** The entries of a log. */
export async function collectLog(container: Container, options: LogOptions = {}): Promise<readonly LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of container.logs(options)) entries.push(entry)
  return entries
}

/** The text of a log, of one stream or of both. */
export function toText(entries: readonly LogEntry[], stream?: LogEntry['stream']): string {
  const wanted = entries.filter((entry) => stream === undefined || entry.stream === stream)
  return Buffer.concat(wanted.map(({ data }) => data)).toString()
}

/** An entry of a tar, with its content. */
export interface TarContent {
  readonly header: Header
  readonly content: Buffer
}

/** The entries of a tar stream. */
export async function collectTar(stream: Readable): Promise<readonly TarContent[]> {
  const tar = extract()
  const failed = new Promise<never>((_, reject) => stream.once('error', reject))
  stream.pipe(tar)
  const entries: TarContent[] = []
  const read = async (): Promise<void> => {
    for await (const entry of tar) entries.push({ header: entry.header, content: await collectBytes(entry) })
  }
  await Promise.race([read(), failed])
  return entries
}

/** Asks until the answer is yes; the last answer is given when the patience is over. */
export async function eventually(question: () => Promise<boolean>, patienceMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await question()
    if (answer || performance.now() > deadline) return answer
    await sleep(100)
  }
}

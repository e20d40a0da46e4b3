import type { Readable, Writable } from 'node:stream'
import { RootlessError } from '../errors.ts'
import type { ExecResult, OutputOptions } from './container.ts'
import { unlessAborted } from './ending.ts'
import type { ContainerProcess } from './process.ts'

const DEFAULT_OUTPUT_BYTES = 16 * 1024 * 1024

/** Feeds a command, reads what it says to the end, and gives its exit code. */
export async function collectOutput(
  process: ContainerProcess,
  { input, maximumOutputBytes = DEFAULT_OUTPUT_BYTES }: OutputOptions,
  signal: AbortSignal | undefined,
): Promise<ExecResult> {
  const drop = (): void => [process.stdin, process.stdout, process.stderr].forEach((stream) => stream.destroy())
  process.ended.catch(() => {})
  const feeding = input === undefined ? endInput(process.stdin) : feed(process.stdin, input)
  const reading = Promise.all([
    collect(process.stdout, 'stdout', maximumOutputBytes),
    collect(process.stderr, 'stderr', maximumOutputBytes),
    process.ended,
  ])
  reading.catch(() => {})
  try {
    // Input that breaks ends it; input that never comes does not hold up the answer of a command that has ended.
    const [stdout, stderr, exitCode] = await unlessAborted(Promise.race([reading, failureOf(feeding)]), signal)
    process.stdin.destroy()
    return { exitCode, stdout, stderr }
  } catch (error) {
    drop()
    throw error
  }
}

/** Settles only by failing. */
async function failureOf(work: Promise<void>): Promise<never> {
  await work
  return await new Promise<never>(() => {})
}

async function endInput(stdin: Writable): Promise<void> {
  stdin.on('error', () => {})
  stdin.end()
}

async function feed(stdin: Writable, input: string | AsyncIterable<Uint8Array>): Promise<void> {
  // A command that does not read its input to the end ends all the same: what it left is nobody's error.
  let open = true
  const closed = new Promise<void>((resolve) => {
    const onEnd = (): void => {
      open = false
      resolve()
    }
    stdin.once('error', onEnd).once('close', onEnd)
  })
  const pieces = typeof input === 'string' ? [input] : input
  for await (const piece of pieces) {
    if (!open) return
    if (!stdin.write(piece)) await Promise.race([new Promise((resolve) => stdin.once('drain', resolve)), closed])
  }
  stdin.end()
}

async function collect(stream: Readable, name: string, maximumBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let bytes = 0
  const texts: string[] = []
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.length
    if (bytes > maximumBytes) {
      throw new RootlessError(
        'OUTPUT_TOO_LARGE',
        `the command wrote more than ${maximumBytes} bytes to ${name}; read its streams with open or attach, or raise maximumOutputBytes`,
      )
    }
    texts.push(decoder.decode(chunk, { stream: true }))
  }
  texts.push(decoder.decode())
  return texts.join('')
}

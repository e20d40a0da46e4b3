import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { printable, RootlessError, type ContainerProcess } from 'rootless-runtime'
import type { Foreground } from '../io.ts'

/** How the streams of this process are lent to one inside. */
export interface Passing {
  readonly foreground: Foreground
  readonly terminal: boolean
  /** Whether our stdin is its stdin. */
  readonly input: boolean
}

/** Streams that are being passed. */
export interface PassedStreams {
  /**
   * From now on what is said is written; it has waited. What is said although nothing was started is an engine's: LXC's programs
   * share the streams of the command.
   */
  readonly begin: () => void
  /** The exit code, once everything that was said is written. */
  readonly ended: Promise<number>
  /** Tells the terminal inside how large ours is. */
  readonly resize: () => void
  /** Gives the terminal back. */
  readonly release: () => void
}

/** Passes streams both ways, binary and at the pace of the slower side, until the process inside ends. */
export function passStreams(inside: ContainerProcess, { foreground, terminal, input }: Passing): PassedStreams {
  const raw = terminal && input && foreground.inputIsTerminal
  const resize = (): void => {
    const size = terminal ? foreground.size() : undefined
    // One that has just ended has no terminal to resize, and its end is told elsewhere.
    if (size !== undefined) inside.resize(size).catch(() => {})
  }
  // A program that ends before it has read everything is no error: its exit code tells.
  inside.stdin.on('error', () => {})
  if (raw) foreground.setRaw(true)
  if (input) passInput(foreground.stdin(), inside.stdin)
  else inside.stdin.end()
  // Heard where they are read, or by nobody when they are not.
  for (const output of [inside.stdout, inside.stderr]) output.on('error', () => {})
  const begun = Promise.withResolvers<void>()
  const written = begun.promise.then(() =>
    Promise.all([passOutput(inside.stdout, foreground.stdout), passOutput(inside.stderr, foreground.stderr)]),
  )
  const ended = awaitBoth(inside.ended, written)
  // One that is never started is never awaited.
  ended.catch(() => {})
  return {
    begin: begun.resolve,
    ended,
    resize,
    release: () => {
      if (raw) foreground.setRaw(false)
      if (input) releaseInput(foreground.stdin())
    },
  }
}

async function awaitBoth(ended: Promise<number>, written: Promise<unknown>): Promise<number> {
  const [exitCode] = await Promise.all([ended, written])
  return exitCode
}

function passInput(source: Readable, target: Writable): void {
  target.on('error', () => source.unpipe(target))
  source.on('error', () => target.end())
  source.pipe(target)
}

/** Lets this process end although somebody still holds the other end of its input. */
function releaseInput(source: Readable): void {
  source.unpipe()
  source.pause()
  source.destroy()
}

/** A reader that has gone is told of by main.ts; what is still said then is thrown away. */
async function passOutput(source: Readable, target: Writable): Promise<void> {
  try {
    await pipeline(source, target, { end: false })
  } catch (error) {
    if (isReaderGone(error)) return
    const said = error instanceof Error ? error.message : String(error)
    throw new RootlessError('HOST_REFUSED', `what it says could not be passed on: ${printable(said)}`, { cause: error })
  }
}

function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED')
}

import { Readable, Writable, type Duplex } from 'node:stream'
import { createFrameParser, type ContainerProcess, type RootlessError, type TerminalSize } from '@rootless-runtime/core'
import { abortedError, goneError, unreadableError } from './podman-errors.ts'

/** A command's connection, and what is known of it beside. */
export interface ProcessSource {
  readonly what: string
  readonly connection: Duplex
  /** Of a terminal: raw, and one stream only. */
  readonly terminal: boolean
  /** Whether the command's stdin is open. */
  readonly stdin: boolean
  /** Fires when whoever serves the connection has ended: then its end says nothing about the command. */
  readonly lost: AbortSignal
  readonly signal: AbortSignal | undefined
  /** Whether the same service still listens. One that is killed closes its connections in any order, and `lost` may fire last. */
  readonly isServed: () => Promise<boolean>
  /** Asked once the streams have ended. */
  readonly exitCode: () => Promise<number>
  readonly resize: (size: TerminalSize) => Promise<void>
  /** What the engine wrote to stderr in place of a command that it could not start; `null` for a command's own words. */
  readonly toRefusal: (stderr: string) => RootlessError | null
}

/** The streams and the end of a command on a connection of its own. */
export function toContainerProcess(source: ProcessSource): ContainerProcess {
  const { connection, lost, what } = source
  const over = Promise.withResolvers<void>()
  const { stdout, stderr, reader } = createOutputs(source)
  readConnection(source, reader, (error) => {
    for (const output of [stdout, stderr])
      if (error === null) output.push(null)
      else output.destroy(error)
    if (error === null) over.resolve()
    else over.reject(error)
    connection.destroy()
  })
  const ended = over.promise.then(async () => {
    try {
      return await source.exitCode()
    } catch (error) {
      throw lost.aborted ? goneError(what, error) : error
    }
  })
  // Whoever reads or waits hears of an error; who does neither is not ended by it.
  for (const output of [stdout, stderr]) output.on('error', () => {})
  ended.catch(() => {})
  return { stdin: source.stdin ? toStdin(connection) : noStdin(connection), stdout, stderr, ended, resize: source.resize }
}

/** Gives what comes to the reader, and tells once how it ended: `null` for an end that the command made. */
function readConnection(
  { connection, lost, signal, what, isServed }: ProcessSource,
  reader: OutputReader,
  tell: (error: RootlessError | null) => void,
): void {
  const stop = new AbortController()
  const settle = (error: RootlessError | null): void => {
    if (stop.signal.aborted) return
    stop.abort()
    connection.off('data', onData)
    tell(error)
  }
  const onData = (chunk: Buffer): void => {
    try {
      if (!reader.push(chunk)) connection.pause()
    } catch (error) {
      settle(unreadableError(what, String(error)))
    }
  }
  // A command that leaves its stdin unread ends with a reset, unix(7), so both ways of ending are one.
  let isEnding = false
  const onEnd = (): void => {
    if (isEnding || stop.signal.aborted) return
    isEnding = true
    const refusal = reader.finish()
    if (refusal !== null || !reader.isWhole) return settle(refusal ?? goneError(what))
    void isServed().then((served) => settle(served ? null : goneError(what)))
  }
  connection
    .on('data', onData)
    .once('end', onEnd)
    .once('close', onEnd)
    .on('error', () => {})
  const once = { once: true, signal: stop.signal }
  signal?.addEventListener('abort', () => settle(abortedError(what, signal)), once)
  // Nobody may be reading: the end of the connection would not be seen behind what waits in it.
  lost.addEventListener('abort', () => settle(goneError(what)), once)
  if (lost.aborted) settle(goneError(what))
}

interface OutputReader {
  /** `false` when nobody reads fast enough: to be told no more until somebody does. */
  push(chunk: Uint8Array): boolean
  /** At the end: why the command did not run; `null` when it did. */
  finish(): RootlessError | null
  readonly isWhole: boolean
}

interface Outputs {
  readonly stdout: Readable
  readonly stderr: Readable
  readonly reader: OutputReader
}

/** Splits what comes into the two streams. What nobody reads holds the connection up, and with it the command. */
function createOutputs({ connection, terminal, toRefusal }: ProcessSource): Outputs {
  const held = { stdout: false, stderr: false }
  const create = (name: 'stdout' | 'stderr'): Readable => {
    const release = (): void => {
      held[name] = false
      if (!held.stdout && !held.stderr) connection.resume()
    }
    return new Readable({
      read: release,
      destroy: (error, callback) => {
        release()
        if (outputs.stdout.destroyed && outputs.stderr.destroyed) connection.destroy()
        callback(error)
      },
    })
  }
  const outputs = { stdout: create('stdout'), stderr: create('stderr') }
  const give = (name: 'stdout' | 'stderr', data: Uint8Array): void => {
    // Whoever destroys one of the two wants no more of it, and all of the other.
    if (!outputs[name].destroyed && !outputs[name].push(data)) held[name] = true
  }
  const isFree = (): boolean => !held.stdout && !held.stderr
  if (terminal) return { ...outputs, reader: createRawReader(give, isFree) }
  return { ...outputs, reader: createFrameReader(give, isFree, toRefusal) }
}

type Give = (name: 'stdout' | 'stderr', data: Uint8Array) => void

function createRawReader(give: Give, isFree: () => boolean): OutputReader {
  const push = (chunk: Uint8Array): boolean => {
    give('stdout', chunk)
    return isFree()
  }
  return { push, finish: () => null, isWhole: true }
}

/** Podman tells its own failure in frames of stderr, before anything else: those are held back until it is clear whose they are. */
function createFrameReader(give: Give, isFree: () => boolean, toRefusal: ProcessSource['toRefusal']): OutputReader {
  const parser = createFrameParser()
  let first: Buffer | null = Buffer.alloc(0)
  let isBegun = false
  let hasLength = true
  const release = (): void => {
    if (first !== null && first.length > 0) give('stderr', first)
    first = null
  }
  return {
    push: (chunk) => {
      if (!isBegun && NO_LENGTH.equals(chunk.subarray(0, NO_LENGTH.length))) hasLength = false
      const rest = isBegun || hasLength ? chunk : chunk.subarray(NO_LENGTH.length)
      isBegun = true
      if (!hasLength) {
        first = Buffer.concat([first ?? Buffer.alloc(0), rest])
        return true
      }
      for (const { stream, data } of parser.push(chunk)) {
        const isEngine = stream === 'stderr' && first !== null && first.length + data.length <= MAXIMUM_REFUSAL_BYTES
        if (isEngine && first !== null) first = Buffer.concat([first, data])
        if (isEngine && ENGINE_WORDS.test(first?.toString().slice(0, ENGINE_PREFIX_BYTES) ?? '')) continue
        release()
        if (!isEngine && (stream === 'stdout' || stream === 'stderr')) give(stream, data)
      }
      return isFree()
    },
    finish: () => {
      const refusal = first === null || first.length === 0 ? null : toRefusal(first.toString())
      if (refusal === null) release()
      return refusal
    },
    get isWhole() {
      return parser.isBetweenFrames
    },
  }
}

/** A frame of stderr of no bytes, in which Podman 3.0.1 tells its own failure all the same. */
const NO_LENGTH = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])
const MAXIMUM_REFUSAL_BYTES = 8192
const ENGINE_PREFIX_BYTES = 32
/** What Podman 3 to 5 begin with when a runtime could not start a command. */
const ENGINE_WORDS = /^Error: /u

/** A command's stdin. Its end closes our half of the connection, which is how the command learns of it. */
function toStdin(connection: Duplex): Writable {
  return new Writable({
    write: (chunk: Uint8Array, _, callback) => {
      if (!connection.writable) return callback(null)
      if (connection.write(chunk)) callback()
      else awaitDrain(connection, callback)
    },
    final: (callback) => {
      if (connection.writable) connection.end()
      callback()
    },
  })
}

// What a command leaves unread when it ends is nobody's error: its end is told by `ended`.
function awaitDrain(connection: Duplex, callback: () => void): void {
  const done = (): void => {
    connection.off('drain', done).off('close', done)
    callback()
  }
  connection.on('drain', done).on('close', done)
}

function noStdin(connection: Duplex): Writable {
  connection.end()
  return new Writable({ write: (_chunk, _encoding, callback) => callback() })
}

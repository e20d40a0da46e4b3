import { Readable, Writable, type Duplex } from 'node:stream'
import { createFrameParser, type FrameParser, type RootlessError } from '@rootless-runtime/core'
import type { BodySink, OpenAnswer } from '@rootless-runtime/core/http'
import { goneError, toRefusal } from './docker-errors.ts'

/** The streams of a command on one connection. */
export interface CommandStreams {
  readonly sink: BodySink
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles when Docker closed the streams; rejects when they were cut or the caller gave up. */
  readonly closed: Promise<void>
}

type OutputName = 'stdout' | 'stderr'

/** Two outputs on one connection: it is read only while both of them take more. */
function createOutputs({ resume }: OpenAnswer) {
  const held = new Set<OutputName>()
  const goOn = (name: OutputName): void => {
    held.delete(name)
    if (held.size === 0) resume()
  }
  const create = (name: OutputName): Readable => {
    const destroy = (error: Error | null, callback: (error: Error | null) => void): void => {
      goOn(name)
      callback(error)
    }
    // An error is told by `closed` as well; a caller who reads only one of the two must not end by the other's.
    return new Readable({ read: () => goOn(name), destroy }).on('error', () => undefined)
  }
  const streams = { stdout: create('stdout'), stderr: create('stderr') }
  const give = (name: OutputName, data: Uint8Array): void => {
    const output = streams[name]
    // Whoever destroys one of the two wants no more of it, and all of the other.
    if (!output.destroyed && !output.push(data)) held.add(name)
  }
  return { ...streams, give, wantsMore: () => held.size === 0 }
}

/** Splits what comes into stdout and stderr. What nobody reads holds the connection up, and so the command. */
export function splitStreams(answer: OpenAnswer, terminal: boolean, what: string): CommandStreams {
  const closed = Promise.withResolvers<void>()
  closed.promise.catch(() => undefined)
  const { stdout, stderr, give, wantsMore } = createOutputs(answer)
  const parser: FrameParser | null = terminal ? null : createFrameParser()
  const fail = (error: RootlessError): void => {
    closed.reject(error)
    stdout.destroy(error)
    stderr.destroy(error)
  }
  if (terminal) stderr.push(null)
  const sink: BodySink = {
    data: (bytes) => {
      if (parser === null) give('stdout', bytes)
      else giveFrames(parser, bytes, give)
      return wantsMore()
    },
    end: () => {
      if (parser?.isBetweenFrames === false) return fail(goneError(what))
      stdout.push(null)
      if (!terminal) stderr.push(null)
      closed.resolve()
    },
    fail,
  }
  return { sink, stdout, stderr, closed: closed.promise }
}

function giveFrames(parser: FrameParser, bytes: Uint8Array, give: (name: OutputName, data: Uint8Array) => void): void {
  for (const { stream, data } of parser.push(bytes)) {
    if (stream === 'stdout' || stream === 'stderr') give(stream, data)
    else throw toRefusal('the stream of a command', new TextDecoder().decode(data))
  }
}

/**
 * A command's stdin. Its end closes our half of the connection, which is how the command learns of it. What a command leaves unread
 * when it ends is nobody's error, as its end is told by `ended`; but whoever goes on writing is told by a `close` to stop.
 */
export function toStdin(connection: Duplex): Writable {
  const stdin = new Writable({
    write: (chunk: Uint8Array, _, callback) => {
      if (connection.destroyed) stdin.destroy()
      if (connection.destroyed || connection.write(chunk)) return callback()
      waitForDrain(connection, () => {
        if (connection.destroyed) stdin.destroy()
        callback()
      })
    },
    final: (callback) => {
      if (connection.destroyed) callback()
      else connection.end(callback)
    },
    destroy: (error, callback) => {
      connection.end()
      callback(error)
    },
  })
  return stdin
}

/** The stdin of a command that has none. */
export function noStdin(connection: Duplex): Writable {
  const stdin = new Writable({
    write: (_chunk, _encoding, callback) => {
      if (connection.destroyed) stdin.destroy()
      callback()
    },
  })
  return stdin
}

function waitForDrain(connection: Duplex, callback: () => void): void {
  const done = (): void => {
    connection.off('drain', done).off('close', done)
    callback()
  }
  connection.on('drain', done).on('close', done)
}

/** The body of an answer as a stream. Destroying it gives up. */
export function toReadable(place: { stream: Readable | null }): (answer: OpenAnswer) => BodySink {
  return (answer) => {
    const stream = new Readable({
      read: () => answer.resume(),
      destroy: (error, callback) => {
        answer.close()
        callback(error)
      },
    })
    place.stream = stream
    return {
      data: (bytes) => stream.push(bytes),
      end: () => void stream.push(null),
      fail: (error) => void stream.destroy(error),
    }
  }
}

import { RootlessError, printable } from '@rootless-runtime/core'

/** Status and headers of an answer; names of headers in lower case. */
export interface ResponseHead {
  readonly statusCode: number
  readonly headers: ReadonlyMap<string, string>
}

/** What is told of an answer while it comes in. */
export interface ResponseHandler {
  head(head: ResponseHead): void
  /** A view of what was pushed. */
  data(bytes: Buffer): void
  /** The answer is whole. `reusable`: the connection is ready for the next one. */
  end(reusable: boolean): void
}

/** Reads one HTTP/1.1 answer out of what a connection brings. */
export interface ResponseParser {
  /** @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` */
  push(chunk: Buffer): void
  /** The connection ended. `false` when the answer was cut. */
  finish(): boolean
}

const MAXIMUM_HEAD_BYTES = 64 * 1024
const MAXIMUM_LINE_BYTES = 1024
const NOTHING = Buffer.alloc(0)

type Step = (chunk: Buffer) => Buffer

/**
 * A parser of one answer. After status 101 everything is data until the connection ends. Go's server, which Docker is, sends one
 * `Content-Length`, or chunks; one that sends neither ends with the connection.
 */
export function createResponseParser(handler: ResponseHandler): ResponseParser {
  let held: Buffer = NOTHING
  let missingBytes = 0
  let keepAlive = true
  let isOver = false
  let endsWithConnection = false

  const takeUntil = (chunk: Buffer, mark: string, maximumBytes: number): { text: string; rest: Buffer } | null => {
    const whole = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    const end = whole.indexOf(mark)
    if ((end === -1 ? whole.length : end) > maximumBytes) throw unreadable(`more than ${maximumBytes} bytes without an end`)
    held = end === -1 ? whole : NOTHING
    return end === -1 ? null : { text: whole.toString('latin1', 0, end), rest: whole.subarray(end + mark.length) }
  }
  const end = (rest: Buffer): Buffer => {
    isOver = true
    handler.end(keepAlive && rest.length === 0)
    return NOTHING
  }

  const readHead: Step = (chunk) => {
    const found = takeUntil(chunk, '\r\n\r\n', MAXIMUM_HEAD_BYTES)
    if (found === null) return NOTHING
    const head = parseHead(found.text)
    const { statusCode, headers } = head
    // 100 and 103 come before the answer.
    if (statusCode < 200 && statusCode !== 101) return found.rest
    keepAlive = headers.get('connection')?.toLowerCase() !== 'close'
    handler.head(head)
    return toBody(statusCode, headers, found.rest)
  }
  const toBody = (statusCode: number, headers: ReadonlyMap<string, string>, rest: Buffer): Buffer => {
    if (statusCode === 204 || statusCode === 304) return end(rest)
    if (statusCode !== 101 && headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
      step = readChunkSize
      return rest
    }
    const length = statusCode === 101 ? undefined : headers.get('content-length')
    if (length === undefined) {
      endsWithConnection = true
      step = readRaw
      return rest
    }
    if (!/^\d{1,15}$/u.test(length)) throw unreadable(`Content-Length: ${length}`)
    missingBytes = Number(length)
    step = readLength
    return missingBytes === 0 ? end(rest) : rest
  }
  const readRaw: Step = (chunk) => {
    handler.data(chunk)
    return NOTHING
  }
  const takeBody = (chunk: Buffer): Buffer => {
    const data = chunk.length > missingBytes ? chunk.subarray(0, missingBytes) : chunk
    missingBytes -= data.length
    handler.data(data)
    return chunk.subarray(data.length)
  }
  const readLength: Step = (chunk) => {
    const rest = takeBody(chunk)
    return missingBytes === 0 ? end(rest) : rest
  }
  const readChunkSize: Step = (chunk) => {
    const found = takeUntil(chunk, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    const size = /^([\da-f]{1,12})(?:;|$)/iu.exec(found.text.trim())?.[1]
    if (size === undefined) throw unreadable(`a chunk of size ${found.text}`)
    missingBytes = Number.parseInt(size, 16)
    step = missingBytes === 0 ? readTrailer : readChunk
    return found.rest
  }
  const readChunk: Step = (chunk) => {
    const rest = takeBody(chunk)
    if (missingBytes === 0) step = readChunkEnd
    return rest
  }
  const readChunkEnd: Step = (chunk) => {
    const found = takeUntil(chunk, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    if (found.text !== '') throw unreadable('a chunk that is longer than its size')
    step = readChunkSize
    return found.rest
  }
  const readTrailer: Step = (chunk) => {
    const found = takeUntil(chunk, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    return found.text === '' ? end(found.rest) : found.rest
  }

  let step: Step = readHead
  return {
    push: (chunk) => {
      let rest = chunk
      while (rest.length > 0 && !isOver) rest = step(rest)
    },
    finish: () => {
      if (!isOver && endsWithConnection) {
        isOver = true
        handler.end(false)
      }
      return isOver
    },
  }
}

function parseHead(text: string): ResponseHead {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/u.exec(statusLine)?.[1]
  if (status === undefined) throw unreadable(`it does not speak HTTP: ${statusLine}`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { statusCode: Number(status), headers }
}

function unreadable(reason: string): RootlessError {
  const shown = printable(reason)
  return new RootlessError('ENGINE_OUTPUT_UNREADABLE', `Docker's answer cannot be read: ${shown}`, {
    engine: 'docker',
    evidence: shown,
  })
}

import { unreadable } from './http-errors.ts'

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

const MAXIMUM_HEAD_BYTES = 64 * 1024
const MAXIMUM_LINE_BYTES = 1024
const NOTHING: Buffer = Buffer.alloc(0)

/** Takes what it needs of some bytes and gives back the rest. */
type Step = (bytes: Buffer) => Buffer

/**
 * Reads one HTTP/1.1 answer out of what a connection brings. After status 101 everything is data until the connection ends. Go's
 * server, which Docker and Podman are, sends a `Content-Length`, or chunks; what has neither ends with the connection.
 */
export class ResponseParser {
  readonly #handler: ResponseHandler
  readonly #hasBody: boolean
  #step: Step = (bytes) => this.#readHead(bytes)
  /** Of a head or a line that is not whole yet. */
  #held = NOTHING
  #missingBytes = 0
  #keepAlive = true
  #endsWithConnection = false
  #isOver = false

  /** `hasBody`: `false` after HEAD, whose answer tells the length of what it does not send. */
  constructor(handler: ResponseHandler, hasBody = true) {
    this.#handler = handler
    this.#hasBody = hasBody
  }

  /** @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` */
  push(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0 && !this.#isOver) rest = this.#step(rest)
  }

  /** The connection ended. `false` when that cut the answer. */
  finish(): boolean {
    if (!this.#isOver && this.#endsWithConnection) this.#end(NOTHING)
    return this.#isOver
  }

  #end(rest: Buffer): Buffer {
    this.#isOver = true
    this.#handler.end(this.#keepAlive && !this.#endsWithConnection && rest.length === 0)
    return NOTHING
  }

  #takeUntil(bytes: Buffer, mark: string, maximumBytes: number): { readonly text: string; readonly rest: Buffer } | null {
    const whole = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const end = whole.indexOf(mark)
    if ((end === -1 ? whole.length : end) > maximumBytes) throw unreadable(`more than ${maximumBytes} bytes without an end`)
    this.#held = end === -1 ? whole : NOTHING
    return end === -1 ? null : { text: whole.toString('latin1', 0, end), rest: whole.subarray(end + mark.length) }
  }

  #readHead(bytes: Buffer): Buffer {
    const found = this.#takeUntil(bytes, '\r\n\r\n', MAXIMUM_HEAD_BYTES)
    if (found === null) return NOTHING
    const head = parseHead(found.text)
    // 100 and 103 come before the answer.
    if (head.statusCode < 200 && head.statusCode !== 101) return found.rest
    this.#keepAlive = head.headers.get('connection')?.toLowerCase() !== 'close'
    this.#handler.head(head)
    return this.#beginBody(head, found.rest)
  }

  #beginBody({ statusCode, headers }: ResponseHead, rest: Buffer): Buffer {
    if (!this.#hasBody || statusCode === 204 || statusCode === 304) return this.#end(rest)
    const length = headers.get('content-length')
    if (statusCode !== 101 && headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
      this.#step = (bytes) => this.#readChunkSize(bytes)
      return rest
    }
    if (statusCode === 101 || length === undefined) {
      this.#endsWithConnection = true
      this.#step = (bytes) => this.#readAll(bytes)
      return rest
    }
    if (!/^\d{1,15}$/u.test(length)) throw unreadable(`Content-Length: ${length}`)
    this.#missingBytes = Number(length)
    this.#step = (bytes) => this.#readLength(bytes)
    return this.#missingBytes === 0 ? this.#end(rest) : rest
  }

  #readAll(bytes: Buffer): Buffer {
    this.#handler.data(bytes)
    return NOTHING
  }

  #takeMissing(bytes: Buffer): Buffer {
    const data = bytes.length > this.#missingBytes ? bytes.subarray(0, this.#missingBytes) : bytes
    this.#missingBytes -= data.length
    this.#handler.data(data)
    return bytes.subarray(data.length)
  }

  #readLength(bytes: Buffer): Buffer {
    const rest = this.#takeMissing(bytes)
    return this.#missingBytes === 0 ? this.#end(rest) : rest
  }

  #readChunkSize(bytes: Buffer): Buffer {
    const found = this.#takeUntil(bytes, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    const size = /^([\da-f]{1,12})\s*(?:;|$)/iu.exec(found.text)?.[1]
    if (size === undefined) throw unreadable(`a chunk of the size ${JSON.stringify(found.text)}`)
    this.#missingBytes = Number.parseInt(size, 16)
    this.#step = this.#missingBytes === 0 ? (next) => this.#readTrailer(next) : (next) => this.#readChunk(next)
    return found.rest
  }

  #readChunk(bytes: Buffer): Buffer {
    const rest = this.#takeMissing(bytes)
    if (this.#missingBytes === 0) this.#step = (next) => this.#readChunkEnd(next)
    return rest
  }

  #readChunkEnd(bytes: Buffer): Buffer {
    const found = this.#takeUntil(bytes, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    if (found.text !== '') throw unreadable('a chunk that is longer than its size')
    this.#step = (next) => this.#readChunkSize(next)
    return found.rest
  }

  #readTrailer(bytes: Buffer): Buffer {
    const found = this.#takeUntil(bytes, '\r\n', MAXIMUM_LINE_BYTES)
    if (found === null) return NOTHING
    return found.text === '' ? this.#end(found.rest) : found.rest
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

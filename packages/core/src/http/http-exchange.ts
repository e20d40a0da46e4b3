import type { Duplex } from 'node:stream'
import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { HttpEngine } from './http-errors.ts'
import { writeRequest, type HttpRequest } from './http-request.ts'
import { ResponseParser, type ResponseHead } from './http-response.ts'

/** How long a request may take. */
export interface HttpLimits {
  /** `null`: as long as it takes. */
  readonly timeoutMs: number | null
  /** What has to be there in this time: all of the answer, or only its head, when what follows is as long as something runs. */
  readonly until: 'head' | 'end'
  readonly signal: AbortSignal | undefined
}

/** Takes the body of an answer. */
export interface BodySink {
  /** `false` when it wants no more now, until `resume` of the answer. */
  data(bytes: Buffer): boolean
  end(): void
  fail(error: RootlessError): void
}

/** An answer whose body goes to a sink. */
export interface OpenAnswer {
  readonly head: ResponseHead
  /** Where to write after an upgrade. */
  readonly connection: Duplex
  /** Goes on after the sink wanted no more. */
  resume(): void
  /** Gives up; the sink hears nothing more. */
  close(): void
}

/** Where the parts of an exchange go. */
export interface ExchangeEnds {
  readonly engine: HttpEngine
  readonly sink: (answer: OpenAnswer) => BodySink
  /** Takes the connection back when the next request may use it. */
  readonly release: (stream: Duplex) => void
}

/** One request and its answer on a connection that nobody else uses. Settles with the head; the body goes to the sink. */
export function exchange(stream: Duplex, request: HttpRequest, limits: HttpLimits, ends: ExchangeEnds): Promise<OpenAnswer> {
  return new Exchange(stream, request, limits, ends).answer
}

class Exchange {
  readonly #stream: Duplex
  readonly #limits: HttpLimits
  readonly #ends: ExchangeEnds
  readonly #request: HttpRequest
  readonly #head = Promise.withResolvers<OpenAnswer>()
  readonly #parser: ResponseParser
  readonly #timer: NodeJS.Timeout | undefined
  #sink: BodySink | null = null
  #isOver = false
  #isSent = false

  constructor(stream: Duplex, request: HttpRequest, limits: HttpLimits, ends: ExchangeEnds) {
    this.#stream = stream
    this.#limits = limits
    this.#ends = ends
    this.#request = request
    this.#parser = new ResponseParser(
      {
        head: (head) => this.#begin(head),
        data: (bytes) => this.#give(bytes),
        end: (reusable) => this.#end(reusable),
      },
      request.method !== 'HEAD',
    )
    const { timeoutMs, signal } = limits
    if (timeoutMs !== null) this.#timer = setTimeout(() => this.#fail(ends.engine.timeout(this.#what, timeoutMs)), timeoutMs)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd)
    stream.resume()
    void this.#send(request)
  }

  get #what(): string {
    return `${this.#request.method} ${this.#request.path.replace(/\?.*/u, '')}`
  }

  get answer(): Promise<OpenAnswer> {
    return this.#head.promise
  }

  async #send(request: HttpRequest): Promise<void> {
    try {
      await writeRequest(this.#stream, request, () => this.#isOver)
      this.#isSent = true
    } catch (error) {
      this.#fail(this.#toUnsent(error))
    }
  }

  #toUnsent(error: unknown): RootlessError {
    if (error instanceof RootlessError) return error
    const reason = printable(error instanceof Error ? error.message : String(error))
    return new RootlessError('HOST_REFUSED', `what was to be sent with ${this.#what} cannot be read: ${reason}`, {
      engine: this.#ends.engine.engine,
      cause: error,
    })
  }

  #begin(head: ResponseHead): void {
    if (this.#limits.until === 'head') clearTimeout(this.#timer)
    const answer = {
      head,
      connection: this.#stream,
      resume: () => {
        if (!this.#isOver) this.#stream.resume()
      },
      close: () => this.#close(),
    }
    this.#sink = this.#ends.sink(answer)
    this.#head.resolve(answer)
  }

  #give(bytes: Buffer): void {
    if (this.#isOver || this.#sink?.data(bytes) !== false) return
    // The sink may have given up at these bytes.
    this.#pauseUnlessOver()
  }

  #pauseUnlessOver(): void {
    if (!this.#isOver) this.#stream.pause()
  }

  #end(reusable: boolean): void {
    if (this.#isOver) return
    this.#leave()
    if (reusable && this.#isSent) this.#ends.release(this.#stream)
    else this.#stream.destroy()
    this.#sink?.end()
  }

  #leave(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#limits.signal?.removeEventListener('abort', this.#onAbort)
    this.#stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd)
  }

  #close(): void {
    if (this.#isOver) return
    this.#leave()
    this.#stream.destroy()
  }

  #fail(error: RootlessError): void {
    if (this.#isOver) return
    this.#close()
    this.#head.reject(error)
    this.#sink?.fail(error)
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.#fail(error instanceof RootlessError ? error : this.#ends.engine.gone(this.#what, error))
    }
  }

  // A connection that is reset ends an upgraded stream too: a command that leaves its stdin unread ends so (unix(7), ECONNRESET).
  readonly #onEnd = (): void => {
    if (!this.#parser.finish()) this.#fail(this.#ends.engine.gone(this.#what))
  }

  readonly #onAbort = (): void => this.#fail(this.#ends.engine.aborted(this.#what, this.#limits.signal))
}

import type { Duplex } from 'node:stream'
import { RootlessError, printable } from '@rootless-runtime/core'
import { abortedError, goneError, timeoutError } from './docker-errors.ts'
import { writeRequest, type HttpRequest } from './http-request.ts'
import { createResponseParser, type ResponseHead } from './http-response.ts'

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
  readonly sink: (answer: OpenAnswer) => BodySink
  /** Takes the connection back when the next request may use it. */
  readonly release: (stream: Duplex) => void
}

/** One request and its answer on a connection that nobody else uses. Settles with the head; the body goes to the sink. */
export function exchange(stream: Duplex, request: HttpRequest, limits: HttpLimits, ends: ExchangeEnds): Promise<OpenAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OpenAnswer>()
  const { timeoutMs, signal } = limits
  const what = `${request.method} ${request.path.replace(/\?.*/u, '')}`
  let sink: BodySink | null = null
  let isOver = false
  let isSent = false

  const leave = (): void => {
    isOver = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    stream.off('data', onData).off('end', onEnd).off('close', onEnd)
  }
  const close = (): void => {
    if (isOver) return
    leave()
    stream.destroy()
  }
  const fail = (error: RootlessError): void => {
    if (isOver) return
    close()
    reject(error)
    sink?.fail(error)
  }
  const parser = createResponseParser({
    head: (head) => {
      if (limits.until === 'head') clearTimeout(timer)
      const answer = { head, connection: stream, resume: () => void (isOver || stream.resume()), close }
      sink = ends.sink(answer)
      resolve(answer)
    },
    data: (bytes) => {
      if (!isOver && sink?.data(bytes) === false && !isOver) stream.pause()
    },
    end: (reusable) => {
      if (isOver) return
      leave()
      if (reusable && isSent) ends.release(stream)
      else stream.destroy()
      sink?.end()
    },
  })
  const onData = (chunk: Buffer): void => {
    try {
      parser.push(chunk)
    } catch (error) {
      fail(toBroken(error, what))
    }
  }
  // A connection that is reset ends an upgraded stream too: a command that leaves its stdin unread ends so (unix(7), ECONNRESET).
  const onEnd = (): void => {
    if (!parser.finish()) fail(goneError(what))
  }
  const onAbort = (): void => fail(abortedError(what, signal))
  const timer = timeoutMs === null ? undefined : setTimeout(() => fail(timeoutError(what, timeoutMs)), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  stream.on('data', onData).on('end', onEnd).on('close', onEnd)
  stream.resume()
  const onSent = (): void => void (isSent = true)
  writeRequest(stream, request, () => isOver).then(onSent, (error: unknown) => fail(toUnsent(error, what)))
  return promise
}

function toBroken(error: unknown, what: string): RootlessError {
  return error instanceof RootlessError ? error : goneError(what, error)
}

function toUnsent(error: unknown, what: string): RootlessError {
  if (error instanceof RootlessError) return error
  const reason = printable(error instanceof Error ? error.message : String(error))
  return new RootlessError('HOST_REFUSED', `what was to be sent with ${what} cannot be read: ${reason}`, {
    engine: 'docker',
    cause: error,
  })
}

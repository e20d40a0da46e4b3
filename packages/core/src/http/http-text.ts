import { unreadable } from './http-errors.ts'
import type { BodySink, OpenAnswer } from './http-exchange.ts'

/** Takes a body as text. */
export interface TextSink {
  readonly sink: (answer: OpenAnswer) => BodySink
  /** Rejects as the exchange does, and with `ENGINE_OUTPUT_UNREADABLE` for a body that is too long. */
  readonly text: Promise<string>
}

export function createTextSink(maximumBytes: number): TextSink {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  // Nobody waits for it when there was no answer at all.
  promise.catch(() => undefined)
  const parts: Buffer[] = []
  let bytes = 0
  return {
    sink: (answer) => ({
      data: (part) => {
        parts.push(part)
        bytes += part.length
        if (bytes <= maximumBytes) return true
        answer.close()
        reject(unreadable(`more than ${maximumBytes / 1024 ** 2} MiB`))
        return false
      },
      end: () => resolve(toText(parts)),
      fail: reject,
    }),
    text: promise,
  }
}

function toText(parts: readonly Buffer[]): string {
  const [first] = parts
  return (parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)).toString('utf8')
}

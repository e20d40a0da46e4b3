import { RootlessError } from '../errors.ts'
import { hasCode } from './ending.ts'

/** When an engine answered last, on the clock of `performance`. */
export type AnsweredAt = () => number

/**
 * A part of an engine, whose calls tell more exactly that it cannot be reached: one that has answered since the call began has died in
 * its middle. A call is many questions, and the one in the air when the engine died may have been another's.
 */
export function tellGone<Part extends object>(part: Part, answeredAtMs: AnsweredAt | undefined): Part {
  if (answeredAtMs === undefined) return part
  return new Proxy(part, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...words: readonly unknown[]): unknown => {
        const beganMs = performance.now()
        const result: unknown = Reflect.apply(value, target, words)
        const tell = (error: unknown): unknown => (answeredAtMs() >= beganMs ? toGone(error) : error)
        if (result instanceof Promise) return result.catch((error: unknown) => Promise.reject(tell(error)))
        return isGenerator(result) ? follow(result, tell) : result
      }
    },
  })
}

function toGone(error: unknown): unknown {
  if (!(error instanceof RootlessError) || !hasCode(error, 'ENGINE_UNAVAILABLE')) return error
  const { engine, evidence, message } = error
  return new RootlessError('ENGINE_GONE', message, {
    ...(engine !== undefined && { engine }),
    ...(evidence !== undefined && { evidence }),
    cause: error,
  })
}

// Not whatever can be iterated: a stream of Node's is given as it is.
function isGenerator(value: unknown): value is AsyncGenerator<unknown> {
  return Object.prototype.toString.call(value) === '[object AsyncGenerator]'
}

async function* follow(items: AsyncGenerator<unknown>, tell: (error: unknown) => unknown): AsyncGenerator<unknown> {
  try {
    yield* items
  } catch (error) {
    throw tell(error)
  }
}

import { PassThrough } from 'node:stream'
import type { Foreground, Io } from '../src/io.ts'

export interface Written {
  readonly io: Io
  readonly out: () => string
  readonly error: () => string
}

/** An Io that keeps what is written. */
export function createIo(change: Partial<Io> & { readonly columns?: number; readonly isTerminal?: boolean } = {}): Written {
  const { columns = 100, isTerminal = false, ...rest } = change
  const written = { out: '', error: '' }
  const io: Io = {
    out: { write: (text) => (written.out += text), isTerminal, columns },
    error: { write: (text) => (written.error += text), isTerminal, columns },
    environment: {},
    signal: new AbortController().signal,
    userId: 1000,
    userName: 'moby',
    self: ['rootless'],
    foreground: createForeground(),
    ...rest,
  }
  return { io, out: () => written.out, error: () => written.error }
}

/** Streams that lead nowhere, of a process that is no terminal and gets no signals. */
function createForeground(): Foreground {
  return {
    stdin: () => new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    inputIsTerminal: false,
    size: () => undefined,
    setRaw: () => {},
    take: () => () => {},
  }
}

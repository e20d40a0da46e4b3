import type { Io } from '../src/io.ts'

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
    ...rest,
  }
  return { io, out: () => written.out, error: () => written.error }
}

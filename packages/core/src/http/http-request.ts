import type { Duplex } from 'node:stream'
import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'

/** A request; a body that is a stream is sent in chunks, at the engine's pace. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: HttpBody
  /** Asks for the connection itself, as attach and exec want it. */
  readonly upgrade?: boolean
}

/** What is sent. */
export type HttpBody = { readonly json: unknown } | { readonly tar: AsyncIterable<Uint8Array> }

/** Writes a request to a connection; a streamed body until `isOver` says that nobody wants it any more. */
export async function writeRequest(stream: Duplex, request: HttpRequest, isOver: () => boolean): Promise<void> {
  const { body } = request
  if (body === undefined) return void stream.write(renderHead(request, request.method === 'POST' ? ['Content-Length: 0'] : []))
  if ('json' in body) {
    const text = JSON.stringify(body.json)
    const length = `Content-Length: ${Buffer.byteLength(text)}`
    return void stream.write(renderHead(request, ['Content-Type: application/json', length]) + text)
  }
  stream.write(renderHead(request, ['Content-Type: application/x-tar', 'Transfer-Encoding: chunked']))
  for await (const chunk of body.tar) {
    if (isOver()) return
    if (chunk.length > 0) await writeChunk(stream, chunk)
  }
  if (!isOver()) stream.write('0\r\n\r\n')
}

async function writeChunk(stream: Duplex, chunk: Uint8Array): Promise<void> {
  stream.cork()
  stream.write(`${chunk.length.toString(16)}\r\n`)
  stream.write(chunk)
  const wantsMore = stream.write('\r\n')
  stream.uncork()
  if (wantsMore || stream.destroyed) return
  await drained(stream)
}

/** Settles at the end of a connection too, which its own `close` tells: nothing is wrong with what was to be sent. */
async function drained(stream: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.on('drain', resolve).on('close', resolve)
  await promise
  stream.off('drain', resolve).off('close', resolve)
}

function renderHead({ method, path, upgrade = false }: HttpRequest, headers: readonly string[]): string {
  // Whoever made a path encoded what it put there; a blank or a newline would begin another request.
  if (!/^\/[!-~]*$/u.test(path)) {
    throw new RootlessError('INVALID_ARGUMENT', `no engine can be asked for ${printable(path)}`)
  }
  const wanted = upgrade ? ['Connection: Upgrade', 'Upgrade: tcp', ...headers] : headers
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${wanted.map((header) => `${header}\r\n`).join('')}\r\n`
}

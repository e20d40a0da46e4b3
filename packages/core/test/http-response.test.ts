import fc from 'fast-check'
import { RootlessError } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { ResponseParser } from '../src/http/http-response.ts'

interface Seen {
  readonly statusCode: number | null
  readonly body: string
  /** `cut` when the connection ended before the answer. */
  readonly end: 'reusable' | 'closed' | 'cut'
}

function read(chunks: readonly Buffer[]): Seen {
  let statusCode: number | null = null
  let end: Seen['end'] = 'cut'
  const parts: Buffer[] = []
  const parser = new ResponseParser({
    head: (head) => (statusCode = head.statusCode),
    data: (bytes) => parts.push(Buffer.from(bytes)),
    end: (reusable) => (end = reusable ? 'reusable' : 'closed'),
  })
  for (const chunk of chunks) parser.push(chunk)
  parser.finish()
  return { statusCode, body: Buffer.concat(parts).toString('latin1'), end }
}

const ANSWERS: readonly (readonly [title: string, text: string, seen: Seen])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { statusCode: 200, body: 'hello', end: 'reusable' }],
  ['no body', 'HTTP/1.1 204 No Content\r\nServer: Docker\r\n\r\n', { statusCode: 204, body: '', end: 'reusable' }],
  ['a length of 0', 'HTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n', { statusCode: 201, body: '', end: 'reusable' }],
  [
    'chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, world...\r\n0\r\nTrailer: x\r\n\r\n',
    { statusCode: 200, body: 'hello, world...', end: 'reusable' },
  ],
  [
    'an answer before the answer',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    { statusCode: 200, body: 'ok', end: 'reusable' },
  ],
  [
    'the connection closed by Docker',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    { statusCode: 200, body: 'ok', end: 'closed' },
  ],
  ['neither length nor chunks', 'HTTP/1.1 200 OK\r\n\r\nall of it', { statusCode: 200, body: 'all of it', end: 'closed' }],
  [
    'an upgrade',
    'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\u0001\0\0\0raw',
    { statusCode: 101, body: '\u0001\0\0\0raw', end: 'closed' },
  ],
]

describe.each(ANSWERS)('an answer with %s', (_, text, seen) => {
  const bytes = Buffer.from(text, 'latin1')

  test('is read', () => {
    expect(read([bytes])).toEqual(seen)
  })

  test('is the same wherever it was cut in two', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(seen)
  })

  test('is the same byte by byte', () => {
    expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(seen)
  })
})

test.each([
  ['in its head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['in its length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'],
  ['in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'],
  ['before its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
  ['before anything', ''],
])('an answer that ends %s is known to be cut', (_, text) => {
  expect(read([Buffer.from(text)]).end).toBe('cut')
})

test('an answer to HEAD has no body, whatever length it tells', () => {
  const ends: boolean[] = []
  const handler = { head: () => undefined, data: () => ends.push(false), end: (reusable: boolean) => ends.push(reusable) }
  new ResponseParser(handler, false).push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'))
  expect(ends).toEqual([true])
})

test('a connection that says more than was asked is not used again', () => {
  expect(read([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n')]).end).toBe('closed')
})

test.each([
  ['another protocol', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n'],
  ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['a length of twenty digits', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n'],
  ['a chunk without size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n'],
  ['a chunk that is longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n'],
  ['a line without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(2000)}`],
])('%s is refused', (_, text) => {
  expect(() => read([Buffer.from(text)])).toThrow(expect.objectContaining({ code: 'ENGINE_OUTPUT_UNREADABLE' }))
})

test('rubbish is read, refused or cut, and nothing else', () => {
  const pieces = fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 3\r\n',
    '\r\n',
    '3\r\n',
    'abc',
    '0',
  )
  const rubbish = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 12 })
  fc.assert(
    fc.property(rubbish, (parts) => {
      try {
        expect(['reusable', 'closed', 'cut']).toContain(read(parts.map((part) => Buffer.from(part))).end)
      } catch (error) {
        expect(error).toBeInstanceOf(RootlessError)
      }
    }),
    { numRuns: 2000 },
  )
})

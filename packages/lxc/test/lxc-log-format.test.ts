import { expect, test } from 'vitest'
import { createLogParser, encodeLogHeader, LOG_HEADER_BYTES, type LogStream, type TimedEntry } from '../src/lxc-log-format.ts'
import { cutToLines } from '../src/lxc-log.ts'

function encode(stream: LogStream, data: Uint8Array | string, timeMs = 0): Buffer {
  const bytes = Buffer.from(data)
  return Buffer.concat([encodeLogHeader(stream, bytes.length, timeMs), bytes])
}

function parse(bytes: Uint8Array, pieceBytes = bytes.byteLength || 1) {
  const parser = createLogParser()
  const entries: TimedEntry[] = []
  for (let position = 0; position < bytes.byteLength; position += pieceBytes)
    entries.push(...parser.push(bytes.subarray(position, position + pieceBytes)))
  return {
    entries: entries.map(({ stream, data, time }) => [stream, Buffer.from(data).toString('latin1'), time.getTime()]),
    parser,
  }
}

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
const LOG = Buffer.concat([encode('stdout', EVERY_BYTE, 1.5e12), encode('stderr', 'two\n', 1.6e12), encode('stdout', '')])
const ENTRIES = [
  ['stdout', EVERY_BYTE.toString('latin1'), 1.5e12],
  ['stderr', 'two\n', 1.6e12],
  ['stdout', '', 0],
]

test.each([1, 2, 7, 19, 20, 21, 64, 10_000])('a log in pieces of %i bytes is the same log', (pieceBytes) => {
  expect(parse(LOG, pieceBytes).entries).toEqual(ENTRIES)
})

test('a log that is cut at any byte has every whole entry before it, and says how much is too much', () => {
  const wholes = [0, LOG_HEADER_BYTES + 256, 2 * LOG_HEADER_BYTES + 260, 3 * LOG_HEADER_BYTES + 260]
  for (let length = 0; length <= LOG.length; length += 1) {
    const { entries, parser } = parse(LOG.subarray(0, length))
    const count = wholes.findLastIndex((whole) => whole <= length)
    expect([length, entries]).toEqual([length, ENTRIES.slice(0, count)])
    expect(parser.restBytes).toBe(length - (wholes[count] ?? 0))
  }
})

test('bytes that are no entry are passed over', () => {
  expect(parse(Buffer.concat([Buffer.from('garbage that nobody wrote, a disk did'), LOG])).entries).toEqual(ENTRIES)
})

test('an entry within an entry is its data', () => {
  const inner = encode('stderr', 'hidden')
  expect(parse(encode('stdout', inner)).entries).toEqual([['stdout', inner.toString('latin1'), 0]])
})

function toEntry(text: string): TimedEntry {
  return { stream: 'stdout', data: Buffer.from(text), time: new Date(0) }
}

test.each([
  [0, ''],
  [1, 'four\n'],
  [2, 'three\nfour\n'],
  [3, 'two\nthree\nfour\n'],
  [4, 'one\ntwo\nthree\nfour\n'],
  [9, 'one\ntwo\nthree\nfour\n'],
])('the last %i lines are found whatever they are cut into', (lines, expected) => {
  for (const pieces of [
    ['one\ntwo\nthree\nfour\n'],
    ['one\nt', 'wo\nthr', 'ee', '\n', 'four\n'],
    [...'one\ntwo\nthree\nfour\n'],
  ]) {
    const cut = cutToLines(pieces.map(toEntry), lines)
    expect(cut.map(({ data }) => Buffer.from(data).toString()).join('')).toBe(expected)
  }
})

test('a last line without its end is a line', () => {
  expect(cutToLines([toEntry('one\ntwo')], 1).map(({ data }) => Buffer.from(data).toString())).toEqual(['two'])
})

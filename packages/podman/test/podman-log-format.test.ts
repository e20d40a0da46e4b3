import { describe, expect, test } from 'vitest'
import { createLogParser, createLogTail, type LogPiece } from '../src/podman-log-format.ts'

const TIME = '2026-11-25T09:33:41.123456789+00:00'
const LOG = Buffer.concat([
  Buffer.from(`${TIME} stdout F line\n${TIME} stderr F \n${TIME} stdout P pa`),
  Buffer.from([0xff, 0x00, 0x0d]),
  Buffer.from(`\n${TIME} stdout F rt\n`),
])
const EXPECTED = [
  ['stdout', 'line\n', true],
  ['stderr', '\n', true],
  ['stdout', 'pa\u00ff\u0000\r', false],
  ['stdout', 'rt\n', true],
]

function show(pieces: readonly LogPiece[]): unknown {
  return pieces.map(({ stream, data, endsLine }) => [stream, Buffer.from(data).toString('latin1'), endsLine])
}

describe("conmon's file", () => {
  test('is read byte by byte as at once, and every byte of it is kept', () => {
    expect(show(createLogParser().push(LOG))).toEqual(EXPECTED)
    const parser = createLogParser()
    expect(show([...LOG].flatMap((byte) => parser.push(Buffer.from([byte]))))).toEqual(EXPECTED)
  })

  test('tells the time of each piece', () => {
    expect(createLogParser().push(LOG)[0]?.time).toEqual(new Date('2026-11-25T09:33:41.123Z'))
  })

  test('is passed over where it is no log', () => {
    const garbage = Buffer.from(`\nstdout\na b c d\n${TIME} stdin F x\n${TIME} stdout X x\nnever stdout F kept\n`)
    expect(createLogParser().push(garbage)).toMatchObject([{ stream: 'stdout', time: null }])
  })

  test('holds back a line whose end is not written yet', () => {
    const parser = createLogParser()
    expect(parser.push(Buffer.from(`${TIME} stdout F a`))).toEqual([])
    expect(show(parser.push(Buffer.from('b\n')))).toEqual([['stdout', 'ab\n', true]])
  })
})

describe('the last lines', () => {
  const line = (text: string, endsLine = true, stream: LogPiece['stream'] = 'stdout'): LogPiece => ({
    stream,
    data: Buffer.from(text),
    time: null,
    endsLine,
  })
  const pieces = [line('a'), line('b1', false), line('b2', false), line('b3'), line('c'), line('d', false)]

  test.each<[number, readonly string[]]>([
    [0, []],
    [1, ['d']],
    [2, ['c', 'd']],
    [3, ['b1', 'b2', 'b3', 'c', 'd']],
    [9, ['a', 'b1', 'b2', 'b3', 'c', 'd']],
  ])('%i of them: parts of a line are one, and so is a last one without an end', (lines, expected) => {
    const tail = createLogTail(lines)
    for (const piece of pieces) tail.add(piece)
    expect(tail.take().map(({ data }) => Buffer.from(data).toString())).toEqual(expected)
  })

  test('have their parts from between those of the other stream', () => {
    const tail = createLogTail(1)
    for (const piece of [line('a', false), line('e', true, 'stderr'), line('b', false)]) tail.add(piece)
    expect(tail.take().map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'b'])
  })

  test('of a hundred thousand are the last ones', () => {
    const tail = createLogTail(2)
    for (let index = 0; index < 100_000; index += 1) tail.add(line(String(index)))
    expect(tail.take().map(({ data }) => Buffer.from(data).toString())).toEqual(['99998', '99999'])
  })
})

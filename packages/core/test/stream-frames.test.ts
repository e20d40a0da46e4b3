import { describe, expect, test } from 'vitest'
import { createFrameParser, RootlessError, type FramePiece } from '../src/index.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

function frame(kind: number, payload: Uint8Array, lengthBytes: number = payload.length): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length)
  bytes[0] = kind
  new DataView(bytes.buffer).setUint32(4, lengthBytes)
  bytes.set(payload, 8)
  return bytes
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** Pieces of one frame put together, as `stdout:abc`. */
function collect(pieces: readonly FramePiece[]): readonly string[] {
  const frames: { stream: string; bytes: number[] }[] = []
  for (const { stream, data, startsFrame } of pieces) {
    if (startsFrame) frames.push({ stream, bytes: [...data] })
    else frames.at(-1)?.bytes.push(...data)
  }
  return frames.map(({ stream, bytes }) => `${stream}:${new TextDecoder('latin1').decode(Uint8Array.from(bytes))}`)
}

const STREAM = join([
  frame(1, text('one\n')),
  frame(2, text('\0\u0001')),
  frame(1, text('')),
  frame(2, text('x'.repeat(300))),
  frame(1, text('end')),
])
const FRAMES = ['stdout:one\n', 'stderr:\0\u0001', `stderr:${'x'.repeat(300)}`, 'stdout:end']

describe('a stream in frames', () => {
  test('comes apart by stream, with an empty frame as nothing', () => {
    const parser = createFrameParser()
    expect(collect(parser.push(STREAM))).toEqual(FRAMES)
    expect(parser.isBetweenFrames).toBe(true)
  })

  test('is the same wherever it was cut in two', () => {
    for (let cut = 0; cut <= STREAM.length; cut += 1) {
      const parser = createFrameParser()
      const pieces = [...parser.push(STREAM.subarray(0, cut)), ...parser.push(STREAM.subarray(cut))]
      expect(collect(pieces)).toEqual(FRAMES)
    }
  })

  test.each([1, 2, 3, 7, 8, 9])('is the same in chunks of %i bytes', (size) => {
    const parser = createFrameParser()
    const pieces = Array.from({ length: Math.ceil(STREAM.length / size) }, (_, index) =>
      parser.push(STREAM.subarray(index * size, (index + 1) * size)),
    )
    expect(collect(pieces.flat())).toEqual(FRAMES)
  })

  test('is known to be cut anywhere but between frames', () => {
    const whole = join([frame(1, text('one')), frame(2, text('two'))])
    const between = Array.from({ length: whole.length + 1 }, (_, cut) => cut).filter((cut) => {
      const parser = createFrameParser()
      parser.push(whole.subarray(0, cut))
      return parser.isBetweenFrames
    })
    expect(between).toEqual([0, 11, 22])
  })

  test('gives the bytes of a frame of 4 GiB as they come', () => {
    const parser = createFrameParser()
    expect(collect(parser.push(frame(1, text('abc'), 0xff_ff_ff_ff)))).toEqual(['stdout:abc'])
    expect(parser.push(text('def'))).toEqual([{ stream: 'stdout', data: text('def'), startsFrame: false }])
    expect(parser.isBetweenFrames).toBe(false)
  })

  test("tells the engine's own error apart", () => {
    expect(collect(createFrameParser().push(frame(3, text('disk full'))))).toEqual(['error:disk full'])
  })

  test.each([
    ['an unknown stream', [4, 0, 0, 0, 0, 0, 0, 1]],
    ['a byte that is not zero', [1, 0, 1, 0, 0, 0, 0, 1]],
    ['plain text', [...text('hello world')]],
    ['JSON', [...text('{"message":"no"}')]],
  ])('is refused when it begins with %s', (_, bytes) => {
    expect(() => createFrameParser().push(Uint8Array.from(bytes))).toThrow(RootlessError)
    expect(() => createFrameParser().push(Uint8Array.from(bytes))).toThrow(/no frame/u)
  })
})

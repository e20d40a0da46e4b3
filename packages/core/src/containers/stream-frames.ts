import { RootlessError } from '../errors.ts'

/** Where a frame belongs; `error` is the engine's own word about why it stops. */
export type FrameStream = 'stdin' | 'stdout' | 'stderr' | 'error'

/** Some bytes of one frame, never of two. */
export interface FramePiece {
  readonly stream: FrameStream
  /** A view of the chunk that was pushed. */
  readonly data: Uint8Array
  /** Whether these are the first bytes of their frame: where an engine that was asked for times writes one. */
  readonly startsFrame: boolean
}

/** Splits what Docker and Podman send for a command without a terminal: stdout and stderr in frames on one connection. */
export interface FrameParser {
  /**
   * The pieces of a chunk. A frame is not kept until it is whole, so its length, up to 4 GiB, costs no memory.
   *
   * @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` for bytes that begin no frame
   */
  push(chunk: Uint8Array): readonly FramePiece[]
  /** Whether the last frame has come in full: a stream that ends elsewhere was cut. */
  readonly isBetweenFrames: boolean
}

/** Docker's pkg/stdcopy: one byte for the stream, three zeros, the payload's length in big endian. */
const HEADER_BYTES = 8
const STREAMS: readonly FrameStream[] = ['stdin', 'stdout', 'stderr', 'error']

interface FrameHeader {
  readonly stream: FrameStream
  readonly lengthBytes: number
}

/** A parser of one connection, at the beginning of it. */
export function createFrameParser(): FrameParser {
  const header = new Uint8Array(HEADER_BYTES)
  let headerBytes = 0
  let stream: FrameStream = 'stdout'
  let missingBytes = 0
  let startsFrame = true

  const readHeader = (chunk: Uint8Array, position: number): number => {
    const part = chunk.subarray(position, position + HEADER_BYTES - headerBytes)
    header.set(part, headerBytes)
    headerBytes += part.length
    if (headerBytes === HEADER_BYTES) {
      const parsed = parseHeader(header)
      stream = parsed.stream
      missingBytes = parsed.lengthBytes
      startsFrame = true
      headerBytes = 0
    }
    return position + part.length
  }

  return {
    push: (chunk) => {
      const pieces: FramePiece[] = []
      let position = 0
      while (position < chunk.length) {
        if (missingBytes === 0) {
          position = readHeader(chunk, position)
          continue
        }
        const data = chunk.subarray(position, position + missingBytes)
        pieces.push({ stream, data, startsFrame })
        startsFrame = false
        missingBytes -= data.length
        position += data.length
      }
      return pieces
    },
    get isBetweenFrames() {
      return headerBytes === 0 && missingBytes === 0
    },
  }
}

function parseHeader(header: Uint8Array): FrameHeader {
  const [kind = -1, first = -1, second = -1, third = -1] = header
  const stream = STREAMS[kind]
  if (stream === undefined || first !== 0 || second !== 0 || third !== 0) {
    const evidence = [...header].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `the engine's stream has no frame where one begins: ${evidence}`, {
      evidence,
    })
  }
  const lengthBytes = new DataView(header.buffer).getUint32(4)
  return { stream, lengthBytes }
}

/** What travels between a supervisor and whoever asks it: messages as JSON, and the bytes of the command's streams. */
export const FRAME_KINDS = ['message', 'stdin', 'stdin-end', 'stdout', 'stderr'] as const
/** One of `FRAME_KINDS`. */
export type FrameKind = (typeof FRAME_KINDS)[number]

export interface Frame {
  readonly kind: FrameKind
  readonly data: Uint8Array
}

/** One byte for the kind, four for the length in big endian. */
const HEADER_BYTES = 5
/** Both sides read at most 64 KiB at a time; a message holds a command line, which Linux keeps below 2 MiB. */
const MAXIMUM_DATA_BYTES = 4 * 1024 * 1024

export function encodeFrame(kind: FrameKind, data: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(FRAME_KINDS.indexOf(kind), 0)
  header.writeUInt32BE(data.byteLength, 1)
  return Buffer.concat([header, data])
}

export function encodeMessage(message: object): Buffer {
  return encodeFrame('message', Buffer.from(JSON.stringify(message)))
}

/** Gives the frames that have come in full. @throws Error for bytes that are no frame of ours */
export function createFrameReader(): { push(chunk: Uint8Array): readonly Frame[] } {
  let rest = Buffer.alloc(0)
  return {
    push: (chunk) => {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
      const frames: Frame[] = []
      let position = 0
      while (rest.length - position >= HEADER_BYTES) {
        const kind = FRAME_KINDS[rest.readUInt8(position)]
        const length = rest.readUInt32BE(position + 1)
        if (kind === undefined || length > MAXIMUM_DATA_BYTES) throw new Error('these bytes are no frame of a supervisor')
        const end = position + HEADER_BYTES + length
        if (end > rest.length) break
        frames.push({ kind, data: rest.subarray(position + HEADER_BYTES, end) })
        position = end
      }
      rest = rest.subarray(position)
      return frames
    },
  }
}

import { Readable, type Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { RootlessError } from '@rootless-runtime/core'
import type { ImageLimits } from './image-archive.ts'
import { invalidImage } from './invalid-image.ts'

/** How bytes are packed, by what they begin with. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2'

const MAGICS: readonly (readonly [Compression, string])[] = [
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
]
const MAGIC_BYTES = 6

/** RFC 8878 asks decoders for 8 MiB; 32 is what `zstd -20` makes, and what may be taken of memory here. */
const MAXIMUM_WINDOW_LOG = 25
const CHUNK_BYTES = 64 * 1024

export interface Unpacked {
  readonly compression: Compression
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Looks at the first bytes and unpacks gzip and zstd. @throws RootlessError `IMAGE_INVALID` */
export async function unpack(source: AsyncIterable<Uint8Array>, where: string, limits: ImageLimits): Promise<Unpacked> {
  const iterator = source[Symbol.asyncIterator]()
  const begin: Uint8Array[] = []
  let length = 0
  while (length < MAGIC_BYTES) {
    const next = await iterator.next()
    if (next.done === true) break
    begin.push(next.value)
    length += next.value.length
  }
  const first = Buffer.concat(begin)
  const compression = toCompression(first)
  if (compression === 'xz' || compression === 'bzip2') {
    await iterator.return?.()
    throw invalidImage(where, `is packed with ${compression}; gzip, zstd and plain tar are read`)
  }
  const whole = prepend(first, iterator)
  return { compression, bytes: compression === 'none' ? whole : inflate(whole, compression, where, limits) }
}

function toCompression(first: Buffer): Compression {
  const hex = first.toString('hex', 0, MAGIC_BYTES)
  return MAGICS.find(([, magic]) => hex.startsWith(magic))?.[0] ?? 'none'
}

async function* prepend(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

async function* inflate(
  source: AsyncIterable<Uint8Array>,
  compression: 'gzip' | 'zstd',
  where: string,
  limits: ImageLimits,
): AsyncGenerator<Uint8Array> {
  let packedBytes = 0
  let unpackedBytes = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      packedBytes += chunk.length
      // What follows the end of gzip and zstd is read and ignored by zlib, however much there is.
      if (packedBytes > limits.maximumBytes) throw invalidImage(where, `has more than ${limits.maximumBytes} bytes`)
      yield chunk
    }
  }
  const inflater = createInflater(compression)
  const feeding = pipeline(Readable.from(counted(), { objectMode: false }), inflater)
  // What stops it is thrown by the loop below.
  feeding.catch(() => undefined)
  try {
    const chunks: AsyncIterable<Uint8Array> = inflater
    for await (const chunk of chunks) {
      unpackedBytes += chunk.length
      if (unpackedBytes > limits.ratioFloorBytes && unpackedBytes > packedBytes * limits.maximumRatio) {
        throw invalidImage(
          where,
          `${packedBytes} packed bytes became more than ${unpackedBytes}: more than ${limits.maximumRatio} for one`,
        )
      }
      yield chunk
    }
    await feeding
  } catch (error) {
    throw toInvalid(error, compression, where)
  }
}

function createInflater(compression: 'gzip' | 'zstd'): Duplex {
  if (compression === 'gzip') return createGunzip({ chunkSize: CHUNK_BYTES })
  return createZstdDecompress({ chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: MAXIMUM_WINDOW_LOG } })
}

/** Errors of zlib have codes as `Z_DATA_ERROR` and `ZSTD_error_prefix_unknown`; the source's own pass. */
function toInvalid(error: unknown, compression: string, where: string): unknown {
  if (error instanceof RootlessError || !(error instanceof Error) || !('code' in error)) return error
  const code = String(error.code)
  if (code === 'Z_BUF_ERROR') return invalidImage(where, `its ${compression} is cut`, error)
  return code.startsWith('Z_') || code.startsWith('ZSTD_')
    ? invalidImage(where, `is no ${compression}: ${error.message}`, error)
    : error
}

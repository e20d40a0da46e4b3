import type { z } from 'zod'
import { readAll } from './byte-stream.ts'
import { invalidImage } from './invalid-image.ts'

/** The largest configurations that are known have about 100 kB; parsing takes up to 50 times as much memory. */
export const MAXIMUM_JSON_BYTES = 1024 * 1024

/** Foreign JSON, checked. @throws RootlessError `IMAGE_INVALID` */
export function parseJson<Schema extends z.ZodType>(bytes: Buffer, schema: Schema, where: string): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw invalidImage(where, 'is no JSON', error)
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw invalidImage(where, `is not what it should be: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, result.error)
}

/** @throws RootlessError `IMAGE_INVALID` */
export async function readJsonBytes(source: AsyncIterable<Uint8Array>, where: string): Promise<Buffer> {
  const bytes = await readAll(source, MAXIMUM_JSON_BYTES)
  if (bytes === null) throw invalidImage(where, `has more than ${MAXIMUM_JSON_BYTES} bytes, which no JSON of an image has`)
  return bytes
}

import { StringDecoder } from 'node:string_decoder'
import type { PullOptions } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { goneError, toRefusal, unreadableError } from './podman-errors.ts'

const report = z.object({ error: z.string().optional(), stream: z.string().optional(), id: z.string().optional() })

/** Fetches an image. A failure comes in an answer that says 200, as a line. */
export async function pullImage(
  api: PodmanApi,
  reference: string,
  { signal, onProgress, insecure = false }: PullOptions,
): Promise<void> {
  const what = `pull ${reference}`
  const call = signal === undefined ? {} : { signal }
  const query = new URLSearchParams({ reference, tlsVerify: String(!insecure) })
  const path = `/images/pull?${query.toString()}`
  const body = await api.open({ method: 'POST', path, what, timeoutMs: 'while-it-answers' }, call)
  let hasImage = false
  for await (const line of readLines(body)) {
    const parsed = report.safeParse(parseLine(line, what))
    if (!parsed.success) throw unreadableError(what, z.prettifyError(parsed.error))
    const { error, id, stream } = parsed.data
    if (error !== undefined && error !== '') throw toRefusal({ what }, error)
    hasImage ||= id !== undefined && id !== ''
    // Podman tells what it does and no number of bytes.
    if (stream !== undefined) onProgress?.({ phase: 'pulling', bytes: 0, totalBytes: null })
  }
  if (!hasImage) throw goneError(what)
}

async function* readLines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => line.trim() !== '')
  }
  if (rest.trim() !== '') yield rest
}

function parseLine(line: string, what: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw unreadableError(what, `no JSON: ${line.slice(0, 80)}`)
  }
}

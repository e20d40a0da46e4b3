import { RootlessError } from '@rootless-runtime/core'

/** Docker's longest line is an event with every label of a container. */
const MAXIMUM_LINE_BYTES = 1024 * 1024
const NEWLINE = 0x0a

/** The lines of a stream of JSON documents, as they come. @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` for one without an end */
export async function* readJsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      const line = rest.toString('utf8', 0, end).trim()
      if (line !== '') yield line
      rest = rest.subarray(end + 1)
    }
    if (rest.length > MAXIMUM_LINE_BYTES) {
      throw new RootlessError(
        'ENGINE_OUTPUT_UNREADABLE',
        `Docker wrote more than ${MAXIMUM_LINE_BYTES} bytes without a newline`,
        {
          engine: 'docker',
        },
      )
    }
    held = rest
  }
  const last = held.toString('utf8').trim()
  if (last !== '') yield last
}

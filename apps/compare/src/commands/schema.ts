import { toReportJsonSchema } from 'rootless-runtime/schema'
import { EXIT, type Io } from '../io.ts'

/** `rootless schema`: the JSON Schema of what `compare --format json` prints. */
export function schema(io: Io): number {
  io.out.write(`${JSON.stringify(toReportJsonSchema(), undefined, 2)}\n`)
  return EXIT.fine
}

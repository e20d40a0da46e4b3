import { printable } from 'rootless-runtime'
import { askAll, type AskWords } from '../containers/ask-all.ts'
import { EXIT, type Io } from '../io.ts'

/** `rootless sweep`: removes what processes of this library left when they died, and says what. 1 when something stayed. */
export async function sweep(words: AskWords, io: Io): Promise<number> {
  const { answered, engines, exitCode } = await askAll(words, io, ({ containers }) => containers.sweep({ signal: io.signal }))
  const removed = answered.flatMap(({ engine, value }) => value.removed.map((name) => ({ engine, name })))
  const failed = answered.flatMap(({ engine, value }) => value.failed.map(({ name, reason }) => ({ engine, name, reason })))
  if (words.format === 'json') io.out.write(`${JSON.stringify({ removed, failed, engines }, undefined, 2)}\n`)
  else {
    for (const { engine, name } of removed) io.out.write(`removed ${engine} ${printable(name)}\n`)
    for (const { engine, name, reason } of failed) io.error.write(`stayed ${engine} ${printable(name)}: ${printable(reason)}\n`)
    if (removed.length + failed.length === 0) io.out.write('nothing to remove\n')
  }
  return failed.length > 0 && exitCode === EXIT.fine ? EXIT.requirementNotMet : exitCode
}

import type { EngineName } from 'rootless-runtime'
import { askReport, type AskReport } from '../ask-report.ts'
import { EXIT, type Io } from '../io.ts'
import { renderInspect } from '../render/inspect.ts'
import { toStyle } from '../render/style.ts'

export interface InspectOptions {
  readonly format: 'text' | 'json'
  readonly timeout: number
  readonly user?: string
}

/** `rootless inspect ENGINE`: everything about one engine, with evidence. */
export async function inspect(engine: EngineName, options: InspectOptions, io: Io, ask: AskReport = askReport): Promise<number> {
  const user = options.user === undefined ? {} : { user: options.user }
  const report = await ask({ engines: [engine], timeoutMs: options.timeout * 1000, ...user }, io)
  const [entry] = report.engines
  if (entry === undefined) return EXIT.couldNotLook
  const style = toStyle(io.out, io.environment)
  const fixOptions = { style, self: io.self, isRoot: io.userId === 0, userName: io.userName }
  io.out.write(options.format === 'json' ? `${JSON.stringify(entry, undefined, 2)}\n` : `${renderInspect(entry, fixOptions)}\n`)
  return entry.availability.status === 'unknown' ? EXIT.couldNotLook : EXIT.fine
}

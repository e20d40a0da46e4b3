import { buildReport, type EngineName, type Report } from 'rootless-runtime'
import { become } from './become.ts'
import type { Io } from './io.ts'
import { createProgressLine } from './render/progress.ts'

export interface AskOptions {
  readonly engines?: readonly EngineName[]
  readonly timeoutMs: number
  /** Whom to look as; only root can choose. */
  readonly user?: string
}

export type AskReport = (options: AskOptions, io: Io) => Promise<Report>

/** Asks the host and the engines, with a line of progress while it lasts. */
export const askReport: AskReport = async ({ engines, timeoutMs, user }, io) => {
  if (user !== undefined) await become(user, io)
  const progress = createProgressLine(io.error)
  try {
    return await buildReport({ timeoutMs, signal: io.signal, onProgress: progress.report, ...(engines && { engines }) })
  } finally {
    progress.end()
  }
}

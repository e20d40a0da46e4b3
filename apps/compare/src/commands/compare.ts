import {
  ENGINE_TITLES,
  judgeRequirement,
  parseRequirement,
  type EngineName,
  type Report,
  type Requirement,
} from 'rootless-runtime'
import { askReport, type AskReport } from '../ask-report.ts'
import { SETUP_USER } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { writeFileWhole } from '../write-file.ts'

export interface CompareOptions {
  readonly format: 'table' | 'markdown' | 'json'
  readonly article?: boolean
  readonly engine?: readonly EngineName[]
  readonly output?: string
  /** Seconds. */
  readonly timeout: number
  readonly require?: string
  readonly user?: string
}

const loadRenderer = () => import('../render/report.ts')

/** `rootless compare`: the capability matrix of this host. */
export async function compare(options: CompareOptions, io: Io, ask: AskReport = askReport): Promise<number> {
  const requirement = options.require === undefined ? undefined : parseRequirement(options.require)
  // Who becomes another user must have everything loaded before; else it is loaded while the engines are busy.
  if (options.user !== undefined) await loadRenderer()
  const asked = ask(
    {
      timeoutMs: options.timeout * 1000,
      ...(options.engine && { engines: options.engine }),
      ...(options.user !== undefined && { user: options.user }),
    },
    io,
  )
  const [report, { renderReport }] = await Promise.all([asked, loadRenderer()])
  const text = renderReport(report, options, io)
  if (options.output === undefined) io.out.write(text)
  else await writeFileWhole(options.output, text)
  if (report.host.user.uid === 0)
    io.error.write(
      `looked as root, who has no rootless engines; try: ${[...io.self, 'compare', '--user', SETUP_USER].join(' ')}\n`,
    )
  const met = requirement === undefined || tellShortfalls(report, requirement, io)
  if (couldNotLook(report, options.engine)) return EXIT.couldNotLook
  return met ? EXIT.fine : EXIT.requirementNotMet
}

/** Says on stderr what each engine lacks; true when at least one lacks nothing. */
function tellShortfalls(report: Report, requirement: Requirement, io: Io): boolean {
  const answers = judgeRequirement(report.engines, requirement)
  if (answers.some(({ lacks }) => lacks.length === 0)) return true
  for (const { engine, lacks } of answers) io.error.write(`${ENGINE_TITLES[engine]} does not fit: ${lacks.join('; ')}\n`)
  return false
}

/** Of the engines that were named, one is unknown; of all, every one is. */
function couldNotLook({ engines }: Report, named: readonly EngineName[] | undefined): boolean {
  const unknown = engines.filter(({ availability }) => availability.status === 'unknown')
  return unknown.length > 0 && (named !== undefined || unknown.length === engines.length)
}

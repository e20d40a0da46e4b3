import {
  ENGINE_TITLES,
  findShortfalls,
  RootlessError,
  type Capabilities,
  type EngineReport,
  type Fix,
  type Requirement,
  type RootlessRuntime,
} from '@rootless-runtime/core'
import { buildReport, type ReportOptions } from './build-report.ts'
import { createRuntime, DEFAULT_TIMEOUT_MS, resolveGround } from './runtimes.ts'

/** What is needed of an engine, beside the options of a report. */
export interface SelectOptions extends ReportOptions {
  readonly require: Requirement
}

/** The engine that was picked, with what it can do and why it was picked. */
export interface SelectedRuntime {
  readonly runtime: RootlessRuntime
  readonly capabilities: Capabilities
  /** Why this one and not those before it: a line per engine looked at. */
  readonly why: readonly string[]
}

/** One engine judged against a requirement: what it lacks, one line per lack; empty when it fits. */
export interface RequirementAnswer {
  readonly engine: EngineReport['engine']
  readonly lacks: readonly string[]
}

/** Judges every engine of a report against a requirement. */
export function judgeRequirement(engines: readonly EngineReport[], requirement: Requirement): readonly RequirementAnswer[] {
  return engines.map(({ engine, availability, capabilities }) => ({
    engine,
    lacks: listLacks(availability, capabilities, requirement),
  }))
}

function listLacks(
  availability: EngineReport['availability'],
  capabilities: Capabilities | null,
  requirement: Requirement,
): readonly string[] {
  if (availability.status !== 'available') return [withFix(availability.reason, availability.fix)]
  if (capabilities === null) return ['its capabilities could not be read']
  return findShortfalls(capabilities, requirement).map(({ asked, reason, fix }) => withFix(`${asked}: ${reason}`, fix))
}

function withFix(reason: string, fix: Fix | undefined): string {
  return fix === undefined ? reason : `${reason} (to fix: ${fix.summary})`
}

/**
 * Picks the first engine, in the order of `engines`, that has all that is required.
 *
 * @throws RootlessError `REQUIREMENT_NOT_MET` with a line per engine when none fits.
 */
export async function selectRuntime(options: SelectOptions): Promise<SelectedRuntime> {
  const ground = await resolveGround(options)
  const report = await buildReport({ ...options, system: ground.system })
  const answers = judgeRequirement(report.engines, options.require)
  const why = answers.map(({ engine, lacks }) => `${ENGINE_TITLES[engine]}: ${lacks.length === 0 ? 'fits' : lacks.join('; ')}`)
  const chosen = report.engines.find(({ engine }) =>
    answers.some((answer) => answer.engine === engine && answer.lacks.length === 0),
  )
  if (chosen === undefined || chosen.capabilities === null) {
    throw new RootlessError('REQUIREMENT_NOT_MET', `no engine of this host has what is required\n${why.join('\n')}`)
  }
  const runtime = await createRuntime(chosen.engine, ground, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  return { runtime, capabilities: chosen.capabilities, why }
}

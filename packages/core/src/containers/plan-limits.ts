import type { Limits } from './options.ts'
import type { LimitName } from '../capabilities.ts'
import { RootlessError } from '../errors.ts'
import type { Finding } from '../finding.ts'
import { ENGINE_TITLES, type EngineName } from '../engine.ts'
import { checkWhole, invalid } from './check-words.ts'
import type { LimitVerdict } from './container-state.ts'
import type { LimitPlan } from './driver.ts'

/** Docker's own least memory limit (20.10: "Minimum memory limit allowed is 6MB"), the same on every engine. */
const LEAST_MEMORY_BYTES = 6 * 1024 * 1024
const NO_LIMITS: LimitPlan = { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null }

/** Which limit of ours each field of a plan belongs to. */
export const LIMIT_OF_FIELD: Readonly<Record<keyof LimitPlan, LimitName>> = {
  memoryBytes: 'memory',
  swapBytes: 'memory',
  cpus: 'cpu',
  pids: 'pids',
  cpuset: 'cpuset',
  ioWeight: 'io',
}

/** What was asked, checked. @throws RootlessError `INVALID_ARGUMENT` */
export function checkLimits(limits: Limits = {}): LimitPlan {
  const { memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight } = limits
  const most = Number.MAX_SAFE_INTEGER
  if (memoryBytes !== undefined) checkWhole('limits.memoryBytes', memoryBytes, [LEAST_MEMORY_BYTES, most], 'bytes')
  if (swapBytes !== undefined) checkWhole('limits.swapBytes', swapBytes, [0, most], 'bytes')
  if (swapBytes !== undefined && memoryBytes === undefined)
    throw invalid('limits.swapBytes', swapBytes, 'it needs limits.memoryBytes')
  if (cpus !== undefined && !(cpus >= 0.01 && cpus <= 4096))
    throw invalid('limits.cpus', cpus, 'it is a number from 0.01 to 4096')
  if (pids !== undefined) checkWhole('limits.pids', pids, [1, 4_194_304])
  if (ioWeight !== undefined) checkWhole('limits.ioWeight', ioWeight, [10, 1000])
  if (cpuset !== undefined && !/^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/u.test(cpuset)) {
    throw invalid('limits.cpuset', cpuset, 'it is a list as "0-1,3"')
  }
  return {
    memoryBytes: memoryBytes ?? null,
    // No swap beside the memory: with swap, a limit of memory is none.
    swapBytes: memoryBytes === undefined ? null : (swapBytes ?? 0),
    cpus: cpus ?? null,
    pids: pids ?? null,
    cpuset: cpuset ?? null,
    ioWeight: ioWeight ?? null,
  }
}

/** The fields of a plan that ask for something. */
export function askedFields(plan: LimitPlan): readonly (keyof LimitPlan)[] {
  return (Object.keys(NO_LIMITS) as (keyof LimitPlan)[]).filter((field) => plan[field] !== null)
}

/** How a limit is written where the kernel keeps it, cgroups(7). */
export function describeAsked(field: keyof LimitPlan, plan: LimitPlan): string {
  const value = plan[field]
  switch (field) {
    case 'memoryBytes':
      return `memory.max ${value}`
    case 'swapBytes':
      return `memory.swap.max ${value}`
    case 'cpus':
      return `cpu.max ${value} processors`
    case 'pids':
      return `pids.max ${value}`
    case 'cpuset':
      return `cpuset.cpus ${value}`
    case 'ioWeight':
      return `io.weight ${value} of 10 to 1000`
  }
}

/** The limits that go to the engine, and those that stay away because they are known not to be applied. */
export interface JudgedLimits {
  readonly plan: LimitPlan
  readonly refused: readonly LimitVerdict[]
}

/** Judges what was asked by what the engine and the host say. What nobody could look at is tried, and seen after the start. */
export function judgeAskedLimits(plan: LimitPlan, findings: Readonly<Record<LimitName, Finding<true>>>): JudgedLimits {
  const refused = new Map<keyof LimitPlan, LimitVerdict>()
  for (const field of askedFields(plan)) {
    const limit = LIMIT_OF_FIELD[field]
    const finding = findings[limit]
    if (finding.status !== 'unsupported') continue
    const evidence = `${finding.reason} (${finding.evidence})`
    refused.set(field, { limit, asked: describeAsked(field, plan), status: 'not-applied', evidence })
  }
  const taken = Object.fromEntries([...refused.keys()].map((field) => [field, null]))
  return { plan: { ...plan, ...taken }, refused: [...refused.values()] }
}

/** The promise cannot be kept: what was asked, why not, and the first fix that is known. */
export function toNotEnforced(
  engine: EngineName,
  broken: readonly LimitVerdict[],
  findings: Readonly<Record<LimitName, Finding<true>>>,
): RootlessError {
  const lines = broken.map(({ asked, evidence }) => `${asked}: ${evidence}`)
  const fix = broken.flatMap(({ limit }) => {
    const finding = findings[limit]
    return finding.status === 'unsupported' && finding.fix !== undefined ? [finding.fix] : []
  })[0]
  return new RootlessError(
    'LIMIT_NOT_ENFORCED',
    `${ENGINE_TITLES[engine]} would not apply ${lines.length === 1 ? 'this limit' : 'these limits'}: ${lines.join('; ')}. ` +
      `It runs all the same with ifUnenforceable "warn"`,
    { engine, evidence: lines.join('\n'), ...(fix === undefined ? {} : { fix }) },
  )
}

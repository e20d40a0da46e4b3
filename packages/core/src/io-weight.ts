import { known, unknownFact, type Fact } from './fact.ts'
import { unknown, unsupported, type Finding } from './finding.ts'
import { printable } from './printable.ts'
import type { System } from './system.ts'

// There while a BFQ scheduler is loaded. Every user's groups are below this one.
const BFQ_WEIGHT = '/sys/fs/cgroup/user.slice/io.bfq.weight'

/**
 * Whether an OCI runtime writes a weight of io into io.bfq.weight alone, as runc before 1.0.0-rc94 and crun before 1.5 did: later
 * ones take io.weight where there is no BFQ. What is no version is not.
 */
export function writesBfqWeightAlone(runtime: string, version: string): boolean {
  const [, major, minor, candidate] = /^v?(\d+)\.(\d+)(?:\.\d+)?(?:[-~]rc(\d+))?/u.exec(version) ?? []
  if (major === undefined) return false
  if (runtime === 'crun') return major === '0' || (major === '1' && Number(minor) < 5)
  return runtime === 'runc' && (major === '0' || (version.includes('1.0.0') && candidate !== undefined && Number(candidate) < 94))
}

/** Why a runtime starts no container with a weight of io on cgroup v2, or `null`. The host is asked only where it matters. */
export async function readIoWeightRefusal(system: System, runtime: string, version: string): Promise<Fact<string | null>> {
  const shown = printable(`${runtime} ${version}`, 80)
  if (!writesBfqWeightAlone(runtime, version)) return known(null, shown)
  const answer = await system.status(BFQ_WEIGHT)
  if (answer.status === 'ok') return known(null, `${shown}; ${BFQ_WEIGHT}`)
  if (answer.status !== 'absent') return unknownFact(answer.reason, BFQ_WEIGHT)
  return known(`${shown} knows BFQ's weight alone, and no BFQ scheduler is loaded: it refuses the container`, BFQ_WEIGHT)
}

/** A limit on io that the controller allows, as the runtime can write it. */
export function judgeIoWeight(allowed: Finding<true>, refusal: Fact<string | null>): Finding<true> {
  if (allowed.status !== 'supported') return allowed
  if (refusal.status === 'unknown') return unknown(refusal.reason)
  return refusal.value === null ? allowed : unsupported(refusal.value, refusal.source)
}

import type { DriverUse } from './capabilities.ts'
import { supported, type Finding } from './finding.ts'

/** What each driver could do, with the one that is in use marked as such. */
export function markInUse<Word extends string>(
  each: Readonly<Record<Word, Finding<DriverUse>>>,
  used: Finding<Word>,
): Readonly<Record<Word, Finding<DriverUse>>> {
  return used.status === 'supported' ? { ...each, [used.value]: supported('in use', used.evidence) } : each
}

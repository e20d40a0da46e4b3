import { ENGINE_TITLES, type Capabilities, type EngineName, type Finding, type Report } from 'rootless-runtime'
import { describe, expect } from 'vitest'
import { missEngine } from '../leave-out.ts'

/** Tests of one engine of the report. Without it they are skipped with its reason, or fail in CI. */
export function describeEngine(report: Report, engine: EngineName, tests: (capabilities: Capabilities) => void): void {
  const entry = report.engines.find((each) => each.engine === engine)
  const capabilities = entry?.capabilities ?? null
  const title = `${ENGINE_TITLES[engine]} on this machine`
  if (capabilities !== null) {
    describe(title, () => {
      tests(capabilities)
    })
    return
  }
  const reason =
    entry === undefined || entry.availability.status === 'available' ? 'it gave no answer' : entry.availability.reason
  missEngine(title, reason)
}

/** A finding agrees with what was seen: supported and it works, or unsupported and it does not. Unknown claims nothing. */
export function expectAgreement(finding: Finding<unknown>, works: boolean): void {
  if (finding.status === 'unknown') return expect(finding.reason).not.toBe('')
  expect({ works, finding }).toMatchObject({ works: finding.status === 'supported' })
}

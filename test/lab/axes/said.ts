import type { EngineName, Finding, Report } from '@rootless-runtime/core'

/** What `rootless compare` says of one engine, in the words of the axes. */
export interface Said {
  readonly networking: string
  readonly storage: string
  readonly manager: string
  /** Whether a memory limit is applied. */
  readonly memory: string
  readonly version: string
  /** Of one driver: `supported`, or why not. */
  of(axis: 'networking' | 'storage', driver: string): string
}

export function toSaid(report: Report, engine: EngineName): Said {
  const found = report.engines.find((one) => one.engine === engine)
  if (found === undefined) throw new Error(`the report has no ${engine}`)
  const { availability, capabilities } = found
  if (availability.status !== 'available' || capabilities === null) {
    throw new Error(`compare could not ask ${engine}: ${availability.status === 'available' ? 'no answer' : availability.reason}`)
  }
  const { networking, storage, cgroup } = capabilities
  return {
    networking: toWord(networking.driver),
    storage: toWord(storage.driver),
    manager: toWord(cgroup.manager),
    memory: cgroup.limits.memory.status,
    version: availability.version,
    of(axis, driver) {
      const finding = Object.entries<Finding<unknown>>(capabilities[axis].drivers).find(([name]) => name === driver)?.[1]
      if (finding === undefined) return `${driver} is not in the report`
      return finding.status === 'supported' ? 'supported' : `${finding.status}: ${finding.reason}`
    },
  }
}

function toWord(finding: Finding<string>): string {
  return finding.status === 'supported' ? finding.value : `${finding.status}: ${finding.reason}`
}

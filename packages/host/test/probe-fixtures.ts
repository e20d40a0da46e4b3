import type { HostFacts, System } from '@rootless-runtime/core'
import { createLocalSystem } from '../src/index.ts'

/** This machine, with its temporary folder at another place, and with what a test changes. */
export function createSystemAt(temporary: string, changes: Partial<System> = {}, real: System = createLocalSystem()): System {
  return {
    ...real,
    run: (command) => real.run({ ...command, environment: { ...command.environment, TMPDIR: temporary } }),
    ...changes,
  }
}

export interface FoundFact {
  readonly path: string
  readonly status: unknown
  readonly source: unknown
}

/** Every fact of a host, wherever it stands. */
export function listFacts(host: HostFacts): readonly FoundFact[] {
  return listFactsBelow(host, 'host')
}

function listFactsBelow(value: unknown, path: string): readonly FoundFact[] {
  if (typeof value !== 'object' || value === null) return []
  const { status, source }: { status?: unknown; source?: unknown } = value
  const own = status === undefined ? [] : [{ path, status, source }]
  return [...own, ...Object.entries(value).flatMap(([key, each]) => listFactsBelow(each, `${path}.${key}`))]
}

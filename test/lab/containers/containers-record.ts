import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENGINE_NAMES } from '@rootless-runtime/core'
import { z } from 'zod'

/** Beside what the other suites observe, one file for each guest. */
const FOLDER = join(import.meta.dirname, '../observed/containers')

const suiteRun = z.strictObject({
  /** The engine's own version. */
  version: z.string(),
  date: z.string(),
  commit: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  minutes: z.number(),
  passed: z.int(),
  /** Of those that passed: whose declared exception was proved to be needed. */
  excepted: z.array(z.string()),
  failed: z.array(z.string()),
})
/** What one run of the suite on one engine in one guest showed. */
export type SuiteRun = z.infer<typeof suiteRun>

/** `whole`: every behaviour. `chosen`: those that every core guest is looked at with. */
export const SETS = ['whole', 'chosen'] as const
/** One of `SETS`. */
export type BehaviourSet = (typeof SETS)[number]

const record = z.strictObject({
  guest: z.string(),
  runs: z.partialRecord(
    z.enum(ENGINE_NAMES),
    z.strictObject({ whole: suiteRun.exactOptional(), chosen: suiteRun.exactOptional() }),
  ),
})
/** The last runs of the suite in one guest. */
export type ContainersRecord = z.infer<typeof record>

/** Everything that is stored, by guest. */
export function readContainersRecords(): readonly ContainersRecord[] {
  if (!existsSync(FOLDER)) return []
  return readdirSync(FOLDER)
    .toSorted()
    .map((name) => record.parse(JSON.parse(readFileSync(join(FOLDER, name), 'utf8'))))
}

/** Stores a run in place of the last one of its set. */
export function storeSuiteRun(guest: string, engine: (typeof ENGINE_NAMES)[number], set: BehaviourSet, run: SuiteRun): void {
  mkdirSync(FOLDER, { recursive: true })
  const before = readContainersRecords().find((each) => each.guest === guest)?.runs ?? {}
  const runs = { ...before, [engine]: { ...before[engine], [set]: run } }
  writeFileSync(join(FOLDER, `${guest}.json`), `${JSON.stringify(record.parse({ guest, runs }), undefined, 2)}\n`)
}

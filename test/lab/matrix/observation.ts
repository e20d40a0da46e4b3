import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineName } from '@rootless-runtime/core'
import { z } from 'zod'

/** The suites that observe guests, and the folders of the code that makes their observations. */
export const SUITES = {
  matrix: ['test/lab/matrix'],
  axes: ['test/lab/axes'],
} as const satisfies Readonly<Record<string, readonly string[]>>
/** One of `SUITES`. */
export type Suite = keyof typeof SUITES

/** One fact of one engine in one guest: as the tool said it, as it was seen by other means, and as the table expects it. */
export interface Observation {
  /** `bookworm-delegate`. */
  readonly guest: string
  readonly engine: EngineName
  /** `default`: as the release starts it. The others: one driver or limit brought up on purpose. */
  readonly axis: 'default' | 'network' | 'storage' | 'limits'
  /** `default`, or the driver that was asked for. */
  readonly variant: string
  /** Which fact: `network`, `storage`, `cgroupVersion`, `limit.memory`. */
  readonly cell: string
  readonly said: string
  readonly seen: string
  readonly expected: string
  /**
   * `unverified`: the tool said unknown, or there was nothing to see. `refused`: the engine starts nothing there, as the tool
   * says and as is written down with its reason.
   */
  readonly verdict: 'confirmed' | 'contradicted' | 'unverified' | 'refused'
  /** The engine's own version. */
  readonly version: string
  /** How it was seen. */
  readonly means: string
  /** Why it was not verified, or why it cannot be there. */
  readonly reason?: string
}

/** What a suite saw in one guest, and what made it. */
export interface ObservedGuest {
  readonly guest: string
  readonly suite: Suite
  readonly date: string
  readonly commit: string
  /** How to make it anew. */
  readonly command: string
  /** Of the code that observed. */
  readonly codeHash: string
  readonly kernel: string
  readonly systemd: string
  readonly observations: readonly Observation[]
  /** What the observations were judged from, where judging is a step of its own: what the tool said, what was seen. */
  readonly said?: Readonly<Record<string, string>>
  readonly seen?: Readonly<Record<string, string>>
}

const ROOT = join(import.meta.dirname, '../../..')
/** One file per guest and suite, written by the suites alone. */
export const OBSERVED_FOLDER = join(ROOT, 'test/lab/observed')

/** Judging and rendering observe nothing: a unit test holds what is stored against them. */
const OBSERVES_NOTHING = /^(?:render-.*|expected|judge|quirks|article)\.ts$|(?<!\.lab)\.test\.ts$/u

/** A hash over the names and contents of the code that makes a suite's observations. */
export function hashCode(suite: Suite): string {
  const hash = createHash('sha256')
  for (const folder of SUITES[suite]) {
    for (const name of readdirSync(join(ROOT, folder)).toSorted()) {
      if (!/\.(?:ts|sh)$/u.test(name) || OBSERVES_NOTHING.test(name)) continue
      hash.update(`${folder}/${name}\n`).update(readFileSync(join(ROOT, folder, name)))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

const observation = z.strictObject({
  guest: z.string(),
  engine: z.enum(['docker', 'podman', 'lxc']),
  axis: z.enum(['default', 'network', 'storage', 'limits']),
  variant: z.string(),
  cell: z.string(),
  said: z.string(),
  seen: z.string(),
  expected: z.string(),
  verdict: z.enum(['confirmed', 'contradicted', 'unverified', 'refused']),
  version: z.string(),
  means: z.string(),
  reason: z.string().exactOptional(),
})

const observedGuest = z.strictObject({
  guest: z.string(),
  suite: z.enum(['matrix', 'axes']),
  date: z.string(),
  commit: z.string(),
  command: z.string(),
  codeHash: z.string(),
  kernel: z.string(),
  systemd: z.string(),
  observations: z.array(observation),
  said: z.record(z.string(), z.string()).exactOptional(),
  seen: z.record(z.string(), z.string()).exactOptional(),
})

/** Stores what a suite saw in a guest, in place of what it saw there before. */
export function writeObservations(observed: Omit<ObservedGuest, 'codeHash'>): void {
  mkdirSync(OBSERVED_FOLDER, { recursive: true })
  const { guest, suite } = observed
  const content = observedGuest.parse({ ...observed, codeHash: hashCode(suite) })
  writeFileSync(join(OBSERVED_FOLDER, `${guest}.${suite}.json`), `${JSON.stringify(content, undefined, 2)}\n`)
}

/** Everything that is stored, by guest and suite. */
export function readObservations(): readonly ObservedGuest[] {
  if (!existsSync(OBSERVED_FOLDER)) return []
  return readdirSync(OBSERVED_FOLDER)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => observedGuest.parse(JSON.parse(readFileSync(join(OBSERVED_FOLDER, name), 'utf8'))))
}

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'

/** How long `compare` may take on a host that broke. */
export const MAXIMUM_MS = 10_000
/** What an emulated processor may add: a disturbed `compare` may take this many times an undisturbed one. */
export const MAXIMUM_RATIO = 3

/** Where it is kept: beside what the other suites observe, and read by the page of the matrix. */
const PATH = join(import.meta.dirname, '../observed/faults/bookworm-delegate.json')

const timed = z.strictObject({
  title: z.string(),
  /** What `compare` said of it, and what to type next. */
  said: z.string(),
  next: z.string(),
  elapsedMs: z.int().positive(),
  /** Which limit it was held by. */
  heldBy: z.enum(['seconds', 'ratio']),
})

const record = z.strictObject({
  guest: z.string(),
  date: z.string(),
  commit: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  undisturbedMs: z.int().positive(),
  faults: z.array(timed),
})

/** What one fault showed. */
export type FaultSeen = z.infer<typeof timed>
/** What the faults of one guest showed. */
export type FaultRecord = z.infer<typeof record>

/** Which limit a time is within: the one in seconds, or, on an emulated processor alone, the ratio; `undefined`: neither. */
export function judgeTime(
  elapsedMs: number,
  { undisturbedMs, accelerator }: Pick<FaultRecord, 'undisturbedMs' | 'accelerator'>,
): FaultSeen['heldBy'] | undefined {
  if (elapsedMs < MAXIMUM_MS) return 'seconds'
  return accelerator === 'tcg' && elapsedMs < undisturbedMs * MAXIMUM_RATIO ? 'ratio' : undefined
}

export function writeFaults(seen: FaultRecord): void {
  mkdirSync(dirname(PATH), { recursive: true })
  writeFileSync(PATH, `${JSON.stringify(record.parse(seen), undefined, 2)}\n`)
}

/** What is stored, if the faults were ever proved. */
export function readFaults(): FaultRecord | undefined {
  return existsSync(PATH) ? record.parse(JSON.parse(readFileSync(PATH, 'utf8'))) : undefined
}

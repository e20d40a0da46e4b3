import type { SubordinateRange } from './setup-state.ts'

/** First and last id that useradd(8) gives to ordinary users: UID_MIN and UID_MAX of Debian's login.defs(5). */
const FIRST_USER_ID = 1000
const LAST_USER_ID = 60_000

/** SUB_UID_MIN, SUB_UID_MAX and SUB_UID_COUNT of Debian's login.defs(5). */
const FIRST_SUBORDINATE_ID = 100_000
const LAST_SUBORDINATE_ID = 600_100_000
/** How many subordinate ids a user needs: every id that an ordinary image may use. */
export const SUBORDINATE_ID_COUNT = 65_536

const USER_NAME = /^[a-z_][a-z0-9_-]{0,31}\$?$/u
const DECIMAL = /^[0-9]{1,10}$/u

/** Whether useradd(8) of Debian takes the name. Nothing else gets near a command. */
export function isUserName(name: string): boolean {
  return USER_NAME.test(name)
}

/** The lines of subuid(5) or subgid(5) that can be read; others are skipped, as newuidmap(1) does. */
export function parseSubordinateIds(text: string): readonly SubordinateRange[] {
  return text.split('\n').flatMap((line) => {
    const [who = '', start = '', count = '', ...rest] = line.trim().split(':')
    if (who === '' || rest.length > 0 || !DECIMAL.test(start) || !DECIMAL.test(count)) return []
    return [{ who, start: Number(start), count: Number(count) }]
  })
}

/** The ids (third field) of passwd(5) or group(5). */
export function parseTakenIds(text: string): readonly number[] {
  return text
    .split('\n')
    .map((line) => line.split(':')[2] ?? '')
    .filter((id) => DECIMAL.test(id))
    .map(Number)
}

export function toFreeUserId(taken: Iterable<number>): number {
  const ids = new Set(taken)
  let id = FIRST_USER_ID
  while (ids.has(id) && id < LAST_USER_ID) id += 1
  return id
}

/** The first range of a user that is large enough, whether it is written by name or by uid. */
export function findOwnRange(
  ranges: readonly SubordinateRange[],
  owner: { readonly name: string; readonly uid: number },
): SubordinateRange | undefined {
  return ranges.find(({ who, count }) => (who === owner.name || who === String(owner.uid)) && count >= SUBORDINATE_ID_COUNT)
}

/**
 * The lowest start of a range of 65,536 ids that overlaps none of the given ones; `undefined` when there is no room below
 * SUB_UID_MAX. Overlapping ranges would let one user's containers write another's files.
 */
export function findFreeRangeStart(ranges: readonly SubordinateRange[]): number | undefined {
  let start = FIRST_SUBORDINATE_ID
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    if (range.start >= start + SUBORDINATE_ID_COUNT) break
    start = Math.max(start, range.start + range.count)
  }
  return start + SUBORDINATE_ID_COUNT - 1 <= LAST_SUBORDINATE_ID ? start : undefined
}

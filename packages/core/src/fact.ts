/**
 * Something read off the host, with where it was read.
 *
 * `unknown` means that it could not be read (denied, timed out, unreadable). Absence is a known value of its own.
 */
export type Fact<Value> =
  | { readonly status: 'known'; readonly value: Value; readonly source: string }
  | { readonly status: 'unknown'; readonly reason: string; readonly source: string }

/** A fact that was read, with where. */
export function known<Value>(value: Value, source: string): Fact<Value> {
  return { status: 'known', value, source }
}

/** A fact that could not be read, with where it would stand. */
export function unknownFact(reason: string, source: string): Fact<never> {
  return { status: 'unknown', reason, source }
}

/** The value of a known fact, and `undefined` when it is unknown. */
export function knownValue<Value>(fact: Fact<Value>): Value | undefined {
  return fact.status === 'known' ? fact.value : undefined
}

/**
 * Something concluded about one capability.
 *
 * Three answers, never two: `unknown` means that nobody could look (denied, timed out, not reported) and is never a "no".
 */
export type Finding<Value> =
  | { readonly status: 'supported'; readonly value: Value; readonly evidence: string; readonly note?: string }
  | { readonly status: 'unsupported'; readonly reason: string; readonly evidence: string; readonly fix?: Fix }
  | { readonly status: 'unknown'; readonly reason: string }

/** A typed plan that changes a finding: what to type, as whom, how to undo it, and how to see that it worked. */
export interface Fix {
  /** What the fix achieves, in a few words without a full stop. */
  readonly summary: string
  /** Each command as an argument array, to be typed in this order. Never a shell string. */
  readonly commands: readonly (readonly string[])[]
  readonly needsRoot: boolean
  /** How to undo it, in words; absent when it cannot be undone. */
  readonly undo?: string
  /** A command whose output shows that the fix worked. */
  readonly check?: readonly string[]
}

/** What a supported finding may carry besides. */
export interface SupportedOptions {
  /** What a person should know beside the value: since when, at which cost. */
  readonly note?: string
}

/** A finding: it works, with its value and the evidence for it. */
export function supported<Value>(value: Value, evidence: string, options: SupportedOptions = {}): Finding<Value> {
  return { status: 'supported', value, evidence, ...options }
}

/** A finding: it does not work, why, the evidence, and what would change it. */
export function unsupported(reason: string, evidence: string, fix?: Fix): Finding<never> {
  return fix === undefined ? { status: 'unsupported', reason, evidence } : { status: 'unsupported', reason, evidence, fix }
}

/** A finding: nobody could look, and why. */
export function unknown(reason: string): Finding<never> {
  return { status: 'unknown', reason }
}

/** The value of a supported finding, and `undefined` for the two other answers. */
export function supportedValue<Value>(finding: Finding<Value>): Value | undefined {
  return finding.status === 'supported' ? finding.value : undefined
}

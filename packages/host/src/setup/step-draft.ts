import type { Fact } from '@rootless-runtime/core'
import type { Actor, SetupAction, SetupStep, SetupUser } from './setup-plan.ts'
import type { SetupState, SubordinateRange } from './setup-state.ts'
import type { UserPlaces } from './user-places.ts'

/** What a step is and what it finds, before anybody asks whether this caller may do it. */
export interface StepDraft extends Pick<SetupStep, 'id' | 'title' | 'why' | 'needsRoot' | 'undo'> {
  readonly outcome: Outcome
}

export type Outcome =
  | { readonly status: 'done' }
  | { readonly status: 'needed'; readonly actions: readonly SetupAction[] }
  /** Only a person can decide. */
  | { readonly status: 'by-hand'; readonly byHand: string }

export interface PlanContext {
  readonly state: SetupState
  readonly user: SetupUser
  readonly places: UserPlaces
  /** The ranges that the user has, or will have after `subordinate-ids`; `null` when there is no room. */
  readonly ranges: { readonly users: SubordinateRange; readonly groups: SubordinateRange } | null
}

export const DONE: Outcome = { status: 'done' }

export function needed(...actions: readonly SetupAction[]): Outcome {
  return { status: 'needed', actions }
}

export function byHand(text: string): Outcome {
  return { status: 'by-hand', byHand: text }
}

/** Judges a fact; one that could not be read is left to a person, for setup never writes over what it did not see. */
export function judge<Value>(fact: Fact<Value>, toOutcome: (value: Value) => Outcome): Outcome {
  return fact.status === 'known'
    ? toOutcome(fact.value)
    : byHand(`${fact.source} could not be read (${fact.reason}): look at it, then run setup again`)
}

export function run(as: Actor, ...command: readonly [string, ...string[]]): SetupAction {
  return { kind: 'run', as, command }
}

export function write(as: Actor, path: string, content: string, mode = 0o644): SetupAction {
  return { kind: 'write-file', as, path, content, mode }
}

import { knownValue } from '@rootless-runtime/core'
import { draftPackages, draftSubordinateIds, draftUser, toRanges, toSetupUser } from './account-steps.ts'
import { isSupportedDistribution } from './distribution.ts'
import { draftDockerService } from './docker-step.ts'
import { ENGINE_NEEDS } from './engine-needs.ts'
import { draftDelegation, draftDevices, draftLinger, draftPingRange, draftRuntimeDirectory } from './host-steps.ts'
import { draftLxcBridge, draftLxcDefaultConf, draftLxcUsernet, draftPassableHome } from './lxc-steps.ts'
import { draftContainersConf, draftStorageConf } from './podman-steps.ts'
import { SETUP_STEP_IDS, type SetupPlan, type SetupStep, type SetupStepId } from './setup-plan.ts'
import type { SetupState } from './setup-state.ts'
import type { PlanContext, StepDraft } from './step-draft.ts'
import { toUserPlaces } from './user-places.ts'

/** One drafter per step; `null` where this host has no use for the step. */
const DRAFTERS: Readonly<Record<SetupStepId, (context: PlanContext) => StepDraft | null>> = {
  packages: draftPackages,
  user: draftUser,
  'subordinate-ids': draftSubordinateIds,
  devices: draftDevices,
  'ping-range': draftPingRange,
  'runtime-directory': draftRuntimeDirectory,
  delegation: draftDelegation,
  linger: draftLinger,
  'passable-home': draftPassableHome,
  'lxc-usernet': draftLxcUsernet,
  'lxc-bridge': draftLxcBridge,
  'containers-conf': draftContainersConf,
  'storage-conf': draftStorageConf,
  'lxc-default-conf': draftLxcDefaultConf,
  'docker-service': draftDockerService,
}

/** Steps that must be done, or be doable, before a step of the user is tried. */
const PREREQUISITES: Readonly<Partial<Record<SetupStepId, readonly SetupStepId[]>>> = {
  'lxc-default-conf': ['subordinate-ids'],
  'docker-service': ['packages', 'subordinate-ids', 'devices', 'runtime-directory'],
}

/**
 * Turns what was read into a plan: every step for the engines asked, with why it is needed, as whom it runs, and how to undo it.
 *
 * A step that this caller cannot do, or that only a person can decide, is `manual` and says so.
 */
export function planSetup(state: SetupState): SetupPlan {
  const user = toSetupUser(state)
  const context: PlanContext = { state, user, places: toUserPlaces(user), ranges: toRanges(state, user) }
  const wanted = new Set(state.engines.flatMap((engine) => ENGINE_NEEDS[engine].steps))
  const steps: SetupStep[] = []
  for (const id of SETUP_STEP_IDS.filter((each) => wanted.has(each))) {
    const draft = DRAFTERS[id](context)
    if (draft !== null) steps.push(settle(draft, state, steps))
  }
  return {
    supportedDistribution: isSupportedDistribution(state.distribution),
    engines: state.engines,
    user,
    systemd: state.systemd,
    steps,
  }
}

function settle({ outcome, ...step }: StepDraft, state: SetupState, before: readonly SetupStep[]): SetupStep {
  if (outcome.status === 'done') return { ...step, state: 'done', actions: [] }
  if (outcome.status === 'by-hand') return { ...step, state: 'manual', byHand: outcome.byHand, actions: [] }
  const obstacle = findObstacle(step, state, before)
  return obstacle === undefined
    ? { ...step, state: 'needed', actions: outcome.actions }
    : { ...step, state: 'manual', byHand: obstacle, actions: outcome.actions }
}

function findObstacle(step: Omit<StepDraft, 'outcome'>, state: SetupState, before: readonly SetupStep[]): string | undefined {
  if (step.needsRoot && !isSupportedDistribution(state.distribution)) {
    const name = knownValue(state.distribution)?.prettyName ?? 'an unknown distribution'
    return `setup changes the system only on Debian and Ubuntu, and this is ${name}: do the like of these commands (package names are Debian's)`
  }
  if (step.needsRoot && !state.caller.isRoot) return `needs root: run \`sudo rootless setup --user ${state.userName}\``
  const missing = ['user' as const, ...(PREREQUISITES[step.id] ?? [])].filter((id) =>
    before.some((earlier) => earlier.id === id && earlier.state === 'manual'),
  )
  if (!step.needsRoot && missing.length > 0) return `first comes by hand: ${missing.join(', ')}`
  if (!step.needsRoot && !state.caller.isRoot && !state.caller.isTarget)
    return `belongs to ${state.userName}: run setup as that user, or as root`
  return undefined
}

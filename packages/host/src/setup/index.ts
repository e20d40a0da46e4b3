export { readSetupState, type SetupTarget } from './read-setup-state.ts'
export type { AccountsState, Caller, Distribution, SetupState, SubordinateRange, UserState } from './setup-state.ts'
export type { DockerAnswer } from './ping-docker.ts'
export { planSetup } from './plan-setup.ts'
export {
  SETUP_STEP_IDS,
  type Actor,
  type SetupAction,
  type SetupPlan,
  type SetupStep,
  type SetupStepId,
  type SetupUser,
} from './setup-plan.ts'
export { STEP_PROGRESS, applySetup, type ApplyOptions, type SetupResult, type StepProgress } from './apply-setup.ts'
export { describeAction, renderSetupScript } from './render-setup-script.ts'
export { stopSetup, type StopOptions, type StopResult } from './stop-setup.ts'
export { isUserName } from './accounts.ts'

export { createLocalSystem, type LocalSystemOptions } from './local-system.ts'
export { probeHost } from './probe-host.ts'
export { becomeUser } from './become-user.ts'
export {
  applySetup,
  describeAction,
  isUserName,
  planSetup,
  readSetupState,
  renderSetupScript,
  stopSetup,
  type SetupPlan,
  type SetupStep,
} from './setup/index.ts'

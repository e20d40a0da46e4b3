export { createLocalSystem, type LocalSystemOptions } from './local-system.ts'
export { probeHost } from './probe-host.ts'
export { becomeUser } from './become-user.ts'

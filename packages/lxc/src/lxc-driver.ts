import { RootlessError, type DriverContext, type EngineDriver } from '@rootless-runtime/core'

/** What Lxc does beside answering questions. */
export async function openLxcDriver(context: DriverContext): Promise<EngineDriver> {
  throw new RootlessError('NOT_SUPPORTED', `containers of lxc are not built yet (${context.timeoutMs})`, { engine: 'lxc' })
}

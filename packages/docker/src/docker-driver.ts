import { RootlessError, type DriverContext, type EngineDriver } from '@rootless-runtime/core'

/** What Docker does beside answering questions. */
export async function openDockerDriver(context: DriverContext): Promise<EngineDriver> {
  throw new RootlessError('NOT_SUPPORTED', `containers of docker are not built yet (${context.timeoutMs})`, { engine: 'docker' })
}

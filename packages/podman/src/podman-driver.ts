import { RootlessError, type DriverContext, type EngineDriver } from '@rootless-runtime/core'

/** What Podman does beside answering questions. */
export async function openPodmanDriver(context: DriverContext): Promise<EngineDriver> {
  throw new RootlessError('NOT_SUPPORTED', `containers of podman are not built yet (${context.timeoutMs})`, { engine: 'podman' })
}

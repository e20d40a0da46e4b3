import {
  createLifecycle,
  toEngineUnavailable,
  type AdapterOptions,
  type Capabilities,
  type HostFacts,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import { toDockerCapabilities } from './docker-capabilities.ts'
import type { DaemonPlace } from './docker-driver.ts'
import { findDocker, notFound, readDocker, type DockerAnswer, type FoundDocker } from './docker-facts.ts'

/** Loads everything that the adapter would load when first asked. */
export async function loadDocker(): Promise<void> {
  await Promise.all([import('./docker-info.ts'), import('./docker-contexts.ts')])
}

/** Rootless Docker, through its socket. Creating asks nothing; Docker is asked once, when something is wanted of it. */
export function createDocker(system: System, options: AdapterOptions): RootlessRuntime {
  const { timeoutMs } = options
  let found: Promise<FoundDocker> | undefined
  let asked: Promise<DockerAnswer> | undefined
  const find = (): Promise<FoundDocker> => (found ??= findDocker(system, timeoutMs))
  const ask = (): Promise<DockerAnswer> => (asked ??= find().then((daemon) => readDocker(system, daemon, timeoutMs)))
  const findDaemon = async (): Promise<DaemonPlace> => {
    const { places, daemon } = await find()
    if (daemon !== null) return { socketPath: daemon.socketPath, cgroupDriver: daemon.info.cgroupDriver }
    // Whoever starts Docker after it was not there is heard at the next call.
    found = undefined
    throw toEngineUnavailable('docker', notFound(system, places).availability)
  }
  const capabilities = async (host: HostFacts): Promise<Capabilities> => {
    const { availability, facts } = await ask()
    if (facts === null) throw toEngineUnavailable('docker', availability)
    return toDockerCapabilities(facts, host)
  }
  return {
    engine: 'docker',
    detect: async () => (await ask()).availability,
    capabilities,
    ...createLifecycle({
      engine: 'docker',
      options,
      capabilities,
      openDriver: async (context) => (await import('./docker-driver.ts')).openDockerDriver(context, findDaemon),
    }),
  }
}

/** Loads what the adapter would load when something is first run. */
export async function loadDockerDriver(): Promise<void> {
  await import('./docker-driver.ts')
}

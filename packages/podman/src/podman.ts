import {
  createLifecycle,
  toEngineUnavailable,
  type AdapterOptions,
  type Capabilities,
  type HostFacts,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import { toPodmanCapabilities } from './podman-capabilities.ts'
import { readPodman, type PodmanAnswer } from './podman-facts.ts'
import { createPodmanService } from './podman-service.ts'

/** Rootless Podman. Creating asks nothing; Podman is asked once, when something is wanted of it. */
export function createPodman(system: System, options: AdapterOptions): RootlessRuntime {
  let asked: Promise<PodmanAnswer> | undefined
  const ask = (): Promise<PodmanAnswer> => (asked ??= readPodman(system, options.timeoutMs))
  const capabilities = async (host: HostFacts): Promise<Capabilities> => {
    const { availability, facts } = await ask()
    if (facts === null) throw toEngineUnavailable('podman', availability)
    return toPodmanCapabilities(facts, host)
  }
  return {
    engine: 'podman',
    detect: async () => (await ask()).availability,
    capabilities,
    ...createLifecycle({
      engine: 'podman',
      options,
      capabilities,
      openDriver: async (context) => {
        const service = createPodmanService(context.machine, context.timeoutMs)
        // It comes up while the driver is loaded. Whoever needs it is told why it did not.
        service.lost().catch(() => {})
        return (await import('./podman-driver.ts')).openPodmanDriver(context, service)
      },
    }),
  }
}

/** Loads everything that the adapter would load when first asked. */
export async function loadPodman(): Promise<void> {
  await import('./podman-info.ts')
}

/** Loads what the adapter would load when something is first run. */
export async function loadPodmanDriver(): Promise<void> {
  await import('./podman-driver.ts')
}

import {
  createLifecycle,
  toEngineUnavailable,
  type AdapterOptions,
  type Capabilities,
  type HostFacts,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import { toLxcCapabilities } from './lxc-capabilities.ts'
import { readLxc, type LxcAnswer } from './lxc-facts.ts'

/** Unprivileged LXC, through its lxc-* tools. Creating asks nothing; LXC is asked once, when something is wanted of it. */
export function createLxc(system: System, options: AdapterOptions): RootlessRuntime {
  let asked: Promise<LxcAnswer> | undefined
  const ask = (): Promise<LxcAnswer> => (asked ??= readLxc(system, options.timeoutMs))
  const capabilities = async (host: HostFacts): Promise<Capabilities> => {
    const { availability, facts } = await ask()
    if (facts === null) throw toEngineUnavailable('lxc', availability)
    return toLxcCapabilities(facts, host)
  }
  return {
    engine: 'lxc',
    detect: async () => (await ask()).availability,
    capabilities,
    ...createLifecycle({
      engine: 'lxc',
      options,
      capabilities,
      openDriver: async (context) => (await import('./lxc-driver.ts')).openLxcDriver(context, ask),
    }),
  }
}

/** Loads what the adapter would load when something is first run. */
export async function loadLxcDriver(): Promise<void> {
  await import('./lxc-driver.ts')
}

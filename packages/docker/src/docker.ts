import { toEngineUnavailable, type AdapterOptions, type RootlessRuntime, type System } from '@rootless-runtime/core'
import { toDockerCapabilities } from './docker-capabilities.ts'
import { readDocker, type DockerAnswer } from './docker-facts.ts'

/** Rootless Docker, through its socket. Creating asks nothing; Docker is asked once, when something is wanted of it. */
export function createDocker(system: System, { timeoutMs }: AdapterOptions): RootlessRuntime {
  let asked: Promise<DockerAnswer> | undefined
  const ask = (): Promise<DockerAnswer> => (asked ??= readDocker(system, timeoutMs))
  return {
    engine: 'docker',
    detect: async () => (await ask()).availability,
    capabilities: async (host) => {
      const { availability, facts } = await ask()
      if (facts === null) throw toEngineUnavailable('docker', availability)
      return toDockerCapabilities(facts, host)
    },
  }
}

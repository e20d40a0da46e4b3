import type { Capabilities, HostFacts } from '@rootless-runtime/core'
import { toCgroup } from './docker-cgroup.ts'
import type { DockerFacts } from './docker-facts.ts'
import { toNetworking } from './docker-networking.ts'
import { toStorage } from './docker-storage.ts'

/** What a container gets that this rootless Docker makes when its caller asks for nothing. */
export function toDockerCapabilities(facts: DockerFacts, host: HostFacts): Capabilities {
  return { networking: toNetworking(facts, host), storage: toStorage(facts, host), cgroup: toCgroup(facts, host) }
}

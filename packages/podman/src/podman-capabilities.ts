import type { Capabilities, HostFacts } from '@rootless-runtime/core'
import { toCgroup } from './podman-cgroup.ts'
import type { PodmanFacts } from './podman-facts.ts'
import { toNetworking } from './podman-networking.ts'
import { toStorage } from './podman-storage.ts'

/** What a container gets that rootless Podman makes for this user when its caller asks for nothing. */
export function toPodmanCapabilities(facts: PodmanFacts, host: HostFacts): Capabilities {
  return { networking: toNetworking(facts, host), storage: toStorage(facts, host), cgroup: toCgroup(facts, host) }
}

import type { Capabilities, HostFacts } from '@rootless-runtime/core'
import { toCgroup } from './lxc-cgroup.ts'
import type { LxcFacts } from './lxc-facts.ts'
import { toNetworking } from './lxc-networking.ts'
import { toStorage } from './lxc-storage.ts'

/** What a container gets that LXC makes for this user from its `default.conf`. */
export function toLxcCapabilities(facts: LxcFacts, host: HostFacts): Capabilities {
  return { networking: toNetworking(facts, host), storage: toStorage(facts, host), cgroup: toCgroup(facts, host) }
}

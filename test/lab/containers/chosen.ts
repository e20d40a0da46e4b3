import type { BehaviourId } from '@rootless-runtime/conformance'
import type { GuestKind } from '../releases.ts'

/** Behaviours that are looked at in every core guest: those whose answer hangs on the host and on the versions, a few minutes in all. */
export const CHOSEN = [
  {
    reason: 'a limit is written into the cgroups that this host has, or refused before anything is made, or told as not applied',
    ids: ['limit-io', 'limit-cpuset', 'limit-memory-warn'],
  },
  {
    reason: 'where a limit is kept the kernel keeps it, and a kill for memory is known by what the engine tells or leaves',
    ids: ['limit-memory-bites', 'limit-memory-bites-child', 'limit-pids-bites', 'limit-cpu-bites'],
  },
  { reason: 'figures come from the cgroup of the container, where it has one', ids: ['stats-whole'] },
  { reason: 'a container is frozen by its cgroup, where it has one', ids: ['pause-freezes'] },
  { reason: 'the end of stdin was lost by old versions', ids: ['attach-stdin-end'] },
  { reason: 'the words of errors change from version to version', ids: ['run-command-missing'] },
  { reason: 'who carries ports and names hangs on what the release has', ids: ['port-chosen', 'network-names'] },
  { reason: 'each engine maps ids by its own means', ids: ['mount-write-mine'] },
  { reason: 'what a killed process leaves is found by what the engine keeps', ids: ['sweep-dead-owner'] },
] as const satisfies readonly { readonly reason: string; readonly ids: readonly BehaviourId[] }[]

/** The ids of `CHOSEN`. */
export const CHOSEN_IDS: readonly BehaviourId[] = CHOSEN.flatMap(({ ids }): readonly BehaviourId[] => ids)

/** The guests in which every behaviour is proved: every limit bites, or the versions are the oldest or the newest. */
export const WHOLE_GUESTS: readonly GuestKind[] = [
  { release: 'bookworm', configuration: 'delegate' },
  { release: 'bullseye', configuration: 'default' },
  { release: 'trixie', configuration: 'delegate' },
]

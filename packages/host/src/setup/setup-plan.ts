import type { EngineName } from '@rootless-runtime/core'

/** Every step that setup knows, in the order in which they are done. */
export const SETUP_STEP_IDS = [
  'packages',
  'user',
  'subordinate-ids',
  'devices',
  'ping-range',
  'runtime-directory',
  'delegation',
  'linger',
  'passable-home',
  'lxc-usernet',
  'lxc-bridge',
  'containers-conf',
  'storage-conf',
  'lxc-default-conf',
  'docker-service',
] as const
export type SetupStepId = (typeof SETUP_STEP_IDS)[number]

/** As whom an action runs. Nothing below a home folder is ever touched as root: its owner could have put a link there. */
export type Actor = 'root' | 'user'

export type SetupAction =
  | {
      readonly kind: 'run'
      readonly as: Actor
      readonly command: readonly [string, ...string[]]
      /** A command that succeeds when there is nothing left to do: some tools fail when they are asked twice. */
      readonly unless?: readonly [string, ...string[]]
      readonly timeoutMs?: number
    }
  /** Written beside and renamed, with missing folders made. */
  | { readonly kind: 'write-file'; readonly as: Actor; readonly path: string; readonly content: string; readonly mode: number }
  /** Appended once: a file that has the line already stays as it is. */
  | { readonly kind: 'append-line'; readonly as: Actor; readonly path: string; readonly line: string }
  /** Waits until Docker answers `GET /_ping`; `log` is the command that prints the end of the daemon's log. */
  | {
      readonly kind: 'wait-for-docker'
      readonly as: 'user'
      readonly socketPath: string
      readonly timeoutMs: number
      readonly log: readonly [string, ...string[]]
    }

export interface SetupStep {
  readonly id: SetupStepId
  readonly title: string
  readonly why: string
  readonly needsRoot: boolean
  /** How a person takes it back. */
  readonly undo: string
  /** `manual`: setup does not do it here; `byHand` says why and what to do. */
  readonly state: 'done' | 'needed' | 'manual'
  readonly byHand?: string
  /** Empty when there is nothing to do, or only a person can decide what. */
  readonly actions: readonly SetupAction[]
}

/** The ordinary user that the host is made ready for; not there yet when the plan makes it. */
export interface SetupUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

export interface SetupPlan {
  /** Whether this is Debian, Ubuntu or one of their descendants. On another one every root step is `manual`. */
  readonly supportedDistribution: boolean
  readonly engines: readonly EngineName[]
  readonly user: SetupUser
  readonly systemd: boolean
  readonly steps: readonly SetupStep[]
}

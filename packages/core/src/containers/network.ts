import type { Call } from './container.ts'

/** The networks of one engine that containers join by name. */
export interface Networks {
  /** @throws RootlessError `NAME_IN_USE`, `NOT_SUPPORTED` with the reason where this host's LXC or engine has none. */
  create(name: string, options?: NetworkOptions): Promise<void>
  list(call?: Call): Promise<readonly NetworkState[]>
  /** @throws RootlessError `NETWORK_NOT_FOUND`, `NETWORK_IN_USE` */
  remove(name: string, call?: Call): Promise<void>
}

/** How a network is made. */
export interface NetworkOptions extends Call {
  /** Without a way out. */
  readonly isolated?: boolean
  readonly labels?: Readonly<Record<string, string>>
}

/** A network that is there. */
export interface NetworkState {
  readonly name: string
  readonly isolated: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** Named folders that outlive containers. */
export interface Volumes {
  /** @throws RootlessError `NAME_IN_USE` */
  create(name: string, call?: Call & { readonly labels?: Readonly<Record<string, string>> }): Promise<void>
  list(call?: Call): Promise<readonly VolumeState[]>
  /** @throws RootlessError `VOLUME_NOT_FOUND`, `VOLUME_IN_USE` */
  remove(name: string, call?: Call): Promise<void>
}

/** A volume that is there. */
export interface VolumeState {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

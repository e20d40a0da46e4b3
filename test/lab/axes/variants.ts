import type { EngineName } from '@rootless-runtime/core'
import type { Release } from '../releases.ts'

/** What can be chosen on each engine: a new driver does not compile until every release answers for it. */
export const AXES = {
  docker: {
    networking: ['slirp4netns', 'lxc-user-nic', 'pasta', 'vpnkit'],
    storage: ['overlay', 'fuse-overlayfs', 'vfs', 'btrfs'],
  },
  podman: { networking: ['slirp4netns', 'pasta'], storage: ['overlay', 'fuse-overlayfs', 'vfs'] },
  lxc: { networking: ['lxc-user-nic', 'none'], storage: ['dir', 'overlay', 'btrfs'] },
} as const satisfies Readonly<Record<EngineName, Readonly<Record<Axis, readonly string[]>>>>

/** One of the axes along which an engine is brought up. */
export type Axis = 'networking' | 'storage'

/** Why a driver cannot be had on a release, and the engine's own words for it. */
export interface Refusal {
  readonly reason: string
  readonly words: RegExp
}

/** `works`: brought up, said by `compare` and seen in the kernel. */
export type Answer = 'works' | Refusal

export type NetworkVariant<Engine extends EngineName> = (typeof AXES)[Engine]['networking'][number]
export type StorageVariant<Engine extends EngineName> = (typeof AXES)[Engine]['storage'][number]

type Table = {
  readonly [Engine in EngineName]: {
    readonly networking: Readonly<Record<NetworkVariant<Engine>, Readonly<Record<Release, Answer>>>>
    readonly storage: Readonly<Record<StorageVariant<Engine>, Readonly<Record<Release, Answer>>>>
  }
}

const EVERYWHERE: Readonly<Record<Release, Answer>> = { bullseye: 'works', bookworm: 'works', trixie: 'works' }

const UNKNOWN_TO_ROOTLESSKIT: Refusal = {
  reason: 'RootlessKit knows pasta since 2.0',
  words: /unknown network mode: pasta/u,
}

const WITHOUT_VPNKIT: Refusal = {
  reason: 'RootlessKit of Debian is built without VPNKit',
  words: /not supported in this Debian package/u,
}

const UNKNOWN_TO_PODMAN: Refusal = {
  reason: 'Podman knows pasta since 4.4',
  words: /unable to find network with name or ID pasta/u,
}

const CNI_NETWORK_TO_PODMAN: Refusal = {
  reason: 'Podman knows pasta since 4.4; 3.0 takes the word for a CNI network, and wants an image for it',
  words: /rootless-cni-infra/u,
}

const KERNEL_BEFORE_5_11: Refusal = {
  reason: 'the kernel lets a user namespace mount overlay since Linux 5.11',
  words: /operation not permitted|driver not supported|kernel does not support overlay fs/iu,
}

const KERNEL_BEFORE_5_11_TO_LXC: Refusal = { ...KERNEL_BEFORE_5_11, words: /lxc-copy ended with 1 and said nothing/u }

/** Every engine, axis, driver and release: whether it works there, or why not. */
export const VARIANTS: Table = {
  docker: {
    networking: {
      slirp4netns: EVERYWHERE,
      'lxc-user-nic': EVERYWHERE,
      pasta: { bullseye: UNKNOWN_TO_ROOTLESSKIT, bookworm: UNKNOWN_TO_ROOTLESSKIT, trixie: 'works' },
      vpnkit: { bullseye: WITHOUT_VPNKIT, bookworm: WITHOUT_VPNKIT, trixie: WITHOUT_VPNKIT },
    },
    storage: {
      overlay: { ...EVERYWHERE, bullseye: KERNEL_BEFORE_5_11 },
      'fuse-overlayfs': EVERYWHERE,
      vfs: EVERYWHERE,
      btrfs: EVERYWHERE,
    },
  },
  podman: {
    networking: {
      slirp4netns: EVERYWHERE,
      pasta: { bullseye: CNI_NETWORK_TO_PODMAN, bookworm: UNKNOWN_TO_PODMAN, trixie: 'works' },
    },
    storage: { overlay: { ...EVERYWHERE, bullseye: KERNEL_BEFORE_5_11 }, 'fuse-overlayfs': EVERYWHERE, vfs: EVERYWHERE },
  },
  lxc: {
    networking: { 'lxc-user-nic': EVERYWHERE, none: EVERYWHERE },
    storage: { dir: EVERYWHERE, overlay: { ...EVERYWHERE, bullseye: KERNEL_BEFORE_5_11_TO_LXC }, btrfs: EVERYWHERE },
  },
}

import type { Exception, Exceptions } from '@rootless-runtime/conformance'
import { isAtLeastVersion } from '@rootless-runtime/core'
import type { EngineName } from 'rootless-runtime'

/** Where an engine cannot do what the two others do. Every line is proved by the suite, and rendered into the documentation. */
export const CONTAINER_EXCEPTIONS: Readonly<Record<EngineName, Exceptions>> = {
  docker: {
    'network-host': {
      reason: 'the network of the host is, for rootless Docker, the one of RootlessKit: it has a loopback of its own',
    },
  },
  podman: {},
  lxc: {
    'user-groups': {
      reason: 'liblxc drops supplementary groups where ids are mapped, and has no key that gives them back (5.0.2)',
    },
  },
}

/** Where old versions of an engine cannot do what later ones can. Proved in guests of the lab that have them. */
export interface OldVersions {
  /** Major and minor of the first version that can. */
  readonly before: readonly [major: number, minor: number]
  readonly exceptions: Exceptions
}

/** The behaviours of networks that are made. */
function ofNetworks(exception: Exception): Exceptions {
  return {
    'network-list': exception,
    'network-name-in-use': exception,
    'network-remove-in-use': exception,
    'network-names': exception,
    'network-addresses': exception,
    'network-apart': exception,
    'network-isolated': exception,
  }
}

const NO_NETWORKS = {
  reason: 'a network of rootless Podman needs an image from the internet, and has calls of another shape (3.0.1)',
  instead: 'NOT_SUPPORTED',
} as const

/** By engine. */
export const OLD_VERSION_EXCEPTIONS: Readonly<Record<EngineName, readonly OldVersions[]>> = {
  docker: [],
  podman: [
    {
      before: [4, 0],
      exceptions: {
        ...ofNetworks(NO_NETWORKS),
        'exec-exit-code': {
          reason: 'podman exec, without which 3.0.1 loses output, ends with 0 when the command ended with 125; others are told',
        },
      },
    },
  ],
  lxc: [],
}

/** Podman's networks where it uses CNI without the plugin that resolves names, which Debian 12 installs beside neither. */
export const WITHOUT_NAMES: Exceptions = ofNetworks({
  reason: 'networks resolve names: with CNI that needs its plugin dnsname, without which Podman says that they do (4.3.1)',
  instead: 'NOT_SUPPORTED',
})

/** What this version of an engine does in another way. */
export function findExceptions(engine: EngineName, version: string): Exceptions {
  const old = OLD_VERSION_EXCEPTIONS[engine].filter(({ before }) => !isAtLeastVersion(version, ...before))
  return Object.assign({}, CONTAINER_EXCEPTIONS[engine], ...old.map(({ exceptions }) => exceptions))
}

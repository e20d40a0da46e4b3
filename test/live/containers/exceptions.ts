import type { Exceptions } from '@rootless-runtime/conformance'
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

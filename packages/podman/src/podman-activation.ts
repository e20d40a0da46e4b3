import { printable } from '@rootless-runtime/core'

/**
 * Why the socket of a Podman of that version is not to be knocked at, or `undefined`. Without root 3.0.1 does not take over the
 * socket that systemd started it for, but unlinks it and listens on one of its own: the request is never accepted, and systemd
 * starts Podman for it again and again, every seven seconds and for ever.
 */
export function losesItsSocket(version: string): string | undefined {
  return version.startsWith('3.0.')
    ? `not asked: Podman ${printable(version)} does not take it over from systemd, which would start it for that without end`
    : undefined
}

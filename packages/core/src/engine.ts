/** The engines we know how to ask. A closed list: adding one breaks every place that must answer for it. */
export const ENGINE_NAMES = ['docker', 'podman', 'lxc'] as const
/** One of `ENGINE_NAMES`. */
export type EngineName = (typeof ENGINE_NAMES)[number]

/** How an engine's name is written for people. */
export const ENGINE_TITLES: Readonly<Record<EngineName, string>> = {
  docker: 'Docker',
  podman: 'Podman',
  lxc: 'LXC',
}

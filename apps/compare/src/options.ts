import { InvalidArgumentError } from 'commander'

/** A copy of the closed list: the contract itself is loaded only when a command runs. A test holds them equal. */
export const ENGINES = ['docker', 'podman', 'lxc'] as const
export type Engine = (typeof ENGINES)[number]

const LONGEST_TIMEOUT_SECONDS = 600

export function parseEngine(value: string): Engine {
  const engine = ENGINES.find((name) => name === value)
  if (engine === undefined) throw new InvalidArgumentError(`Engines are ${ENGINES.join(', ')}.`)
  return engine
}

/** `--engine docker --engine lxc` or `--engine docker,lxc`. */
export function collectEngines(value: string, before: readonly Engine[] | undefined): readonly Engine[] {
  return [...new Set([...(before ?? []), ...value.split(',').map((name) => parseEngine(name.trim()))])]
}

export const CONTAINER_ENGINES = ['auto', ...ENGINES] as const

/** As `collectEngines`, with `auto` for every one. */
export function collectChoice(value: string, before: readonly Engine[] | undefined): readonly Engine[] | undefined {
  return value === 'auto' ? undefined : collectEngines(value, before)
}

export function parseTimeout(value: string): number {
  const seconds = Number(value)
  if (value.trim() !== '' && seconds > 0 && seconds <= LONGEST_TIMEOUT_SECONDS) return seconds
  throw new InvalidArgumentError(`Seconds, more than 0 and at most ${LONGEST_TIMEOUT_SECONDS}.`)
}

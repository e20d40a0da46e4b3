import { printable } from '@rootless-runtime/core'

/** One `lxc.idmap` line: `u 0 100000 65536`, lxc.container.conf(5). */
export interface IdMap {
  readonly kind: 'u' | 'g'
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** The first network of a configuration; `null` for keys that are not set. */
export interface LxcNetwork {
  readonly type: string
  readonly link: string | null
  readonly mtuBytes: number | null
}

/** What new containers get from `default.conf` and everything it includes. */
export interface LxcConfig {
  readonly path: string
  readonly idMaps: readonly IdMap[]
  /** `null` when no network is configured: the container has a loopback device only. */
  readonly network: LxcNetwork | null
  /** `null` when none is named, or `generated`: only root can load that one. */
  readonly appArmorProfile: string | null
}

export interface ConfigEntry {
  readonly key: string
  readonly value: string
}

/** The `key = value` lines of a configuration file. Comments, blank and broken lines are left out, as LXC itself does. */
export function parseConfigEntries(text: string): readonly ConfigEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(lxc\.[A-Za-z0-9_.-]+)\s*=\s*(.*?)\s*$/u.exec(line)
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ key: match[1], value: unquote(match[2]) }]
  })
}

// liblxc strips one pair of quotes around a value.
function unquote(value: string): string {
  return /^"(.*)"$/u.exec(value)?.[1] ?? /^'(.*)'$/u.exec(value)?.[1] ?? value
}

/** What the entries say in the end: later lines win, and an empty value clears what came before. */
export function toLxcConfig(path: string, entries: readonly ConfigEntry[]): LxcConfig {
  const afterClearing = (key: string): readonly ConfigEntry[] =>
    entries.slice(entries.findLastIndex((entry) => entry.key === key && entry.value === '') + 1)
  const network = afterClearing('lxc.net')
  const index = network.flatMap(({ key }) => /^lxc\.net\.(\d{1,3})\.type$/u.exec(key)?.[1] ?? [])[0]
  const last = (name: string): string | null =>
    network.findLast(({ key, value }) => key === `lxc.net.${index}.${name}` && value !== '')?.value ?? null
  const type = last('type')
  return {
    path,
    idMaps: afterClearing('lxc.idmap').flatMap(({ key, value }) => (key === 'lxc.idmap' ? parseIdMap(value) : [])),
    appArmorProfile: toAppArmorProfile(entries),
    network: type === null ? null : { type: printable(type, 40), link: cut(last('link')), mtuBytes: toMtuBytes(last('mtu')) },
  }
}

function toAppArmorProfile(entries: readonly ConfigEntry[]): string | null {
  const value = entries.findLast(({ key }) => key === 'lxc.apparmor.profile')?.value ?? ''
  return value === '' || value === 'generated' ? null : value
}

function parseIdMap(value: string): readonly IdMap[] {
  const match = /^([ug])\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})$/u.exec(value)
  if (match === null) return []
  const [, kind, inside, outside, count] = match
  return [{ kind: kind === 'u' ? 'u' : 'g', inside: Number(inside), outside: Number(outside), count: Number(count) }]
}

// IFNAMSIZ is 16 with its final zero; longer names are no network device.
function cut(link: string | null): string | null {
  return link === null || !/^[^\s/]{1,15}$/u.test(link) ? null : printable(link)
}

function toMtuBytes(value: string | null): number | null {
  return value !== null && /^\d{2,5}$/u.test(value) && Number(value) >= 68 ? Number(value) : null
}

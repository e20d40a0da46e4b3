import {
  CGROUP_MANAGERS,
  CGROUP_VERSIONS,
  LIMIT_NAMES,
  NETWORK_DRIVERS,
  NETWORK_PROPERTIES,
  STORAGE_DRIVERS,
  type Capabilities,
  type CgroupManager,
  type CgroupVersion,
  type LimitName,
  type NetworkDriver,
  type NetworkingCapabilities,
  type NetworkProperty,
  type StorageDriver,
} from './capabilities.ts'
import { ENGINE_NAMES, type EngineName } from './engine.ts'
import { RootlessError } from './errors.ts'
import type { Finding, Fix } from './finding.ts'
import { printable } from './printable.ts'
import { PORT_PROTOCOLS, type PortProtocol } from './system.ts'

/**
 * What a caller needs of an engine. Every key must hold. The lists of drivers, cgroup layouts and managers are alternatives for
 * the one in use; `limits`, `properties` and `ports` must hold one and all.
 */
export interface Requirement {
  readonly networking?: readonly NetworkDriver[]
  readonly storage?: readonly StorageDriver[]
  readonly cgroup?: readonly CgroupVersion[]
  readonly manager?: readonly CgroupManager[]
  readonly limits?: readonly LimitName[]
  readonly properties?: readonly NetworkProperty[]
  /** Ports that will be published. */
  readonly ports?: readonly RequiredPort[]
  /** The oldest version of an engine that will do, as `20.10`; an engine that is not named may have any. */
  readonly versions?: Readonly<Partial<Record<EngineName, string>>>
}

/** A port outside that will be published. */
export interface RequiredPort {
  /** 1 to 65535; any free one unless told. */
  readonly host?: number
  /** TCP unless told. */
  readonly protocol?: PortProtocol
}

/** The keys of a requirement whose words are known, with these words. `ports` and `versions` have numbers. */
export const REQUIREMENT_WORDS = {
  networking: NETWORK_DRIVERS,
  storage: STORAGE_DRIVERS,
  cgroup: CGROUP_VERSIONS,
  manager: CGROUP_MANAGERS,
  limits: LIMIT_NAMES,
  properties: NETWORK_PROPERTIES,
} as const satisfies Readonly<Record<Exclude<keyof Requirement, 'ports' | 'versions'>, readonly string[]>>

type WordKey = keyof typeof REQUIREMENT_WORDS
type RequirementKey = keyof Requirement

const REQUIREMENT_KEYS: readonly string[] = [...Object.keys(REQUIREMENT_WORDS), 'ports', 'versions']

/** One part of a requirement that an engine does not meet. */
export interface Shortfall {
  /** What was asked, as `networking=pasta`. */
  readonly asked: string
  readonly reason: string
  readonly fix?: Fix
}

/**
 * Reads `networking=pasta|slirp4netns,cgroup=v2,limits=memory+pids,ports=8080+53/udp,versions=docker>=20.10`: pairs joined by
 * `,`, alternatives by `|`, and what must hold together by `+` or by naming the key again.
 *
 * @throws RootlessError `INVALID_ARGUMENT` that names the word and lists the known ones.
 */
export function parseRequirement(text: string): Requirement {
  const found = new Map<RequirementKey, readonly string[]>()
  for (const pair of text.split(',')) {
    const [key = '', ...rest] = pair.split('=').map((part) => part.trim())
    if (!isRequirementKey(key)) throw invalid(`no requirement is called ${quote(key)}`, REQUIREMENT_KEYS)
    if (found.has(key) && !isConjunction(key)) throw invalid(`${key} is required twice; join alternatives by |`, [])
    const words = rest.join('=').split(isConjunction(key) ? '+' : '|')
    if (isWordKey(key)) checkWords(key, words)
    found.set(key, [...(found.get(key) ?? []), ...words])
  }
  const { ports, versions, ...words } = Object.fromEntries(found)
  return { ...words, ...(ports && { ports: ports.map(parsePort) }), ...(versions && { versions: parseVersions(versions) }) }
}

function checkWords(key: WordKey, words: readonly string[]): void {
  const known: readonly string[] = REQUIREMENT_WORDS[key]
  const strange = words.find((word) => !known.includes(word))
  if (strange !== undefined) throw invalid(`${key} cannot be ${quote(strange)}`, known)
}

/** `8080`, `8080/tcp` or `53/udp`. */
function parsePort(word: string): RequiredPort {
  const [, number = '', protocolWord = 'tcp'] = /^(\d{1,5})(?:\/(\w+))?$/u.exec(word) ?? []
  const host = Number(number)
  const protocol = PORT_PROTOCOLS.find((name) => name === protocolWord)
  if (number === '' || protocol === undefined || host < 1 || host > 65_535)
    throw invalid(`${quote(word)} is no port`, ['1 to 65535', '8080/tcp', '53/udp'])
  return { host, protocol }
}

/** `docker>=20.10`. */
function parseVersions(words: readonly string[]): Readonly<Partial<Record<EngineName, string>>> {
  return Object.fromEntries(
    words.map((word) => {
      const [, name = '', version = ''] = /^(\w+)\s*>=\s*(\d+(?:\.\d+){0,2})$/u.exec(word) ?? []
      const engine = ENGINE_NAMES.find((known) => known === name)
      if (engine === undefined) throw invalid(`${quote(word)} is no version`, ['docker>=20.10', 'podman>=4', 'lxc>=5.0.2'])
      return [engine, version]
    }),
  )
}

function isRequirementKey(key: string): key is RequirementKey {
  return REQUIREMENT_KEYS.includes(key)
}

function isWordKey(key: RequirementKey): key is WordKey {
  return Object.hasOwn(REQUIREMENT_WORDS, key)
}

function isConjunction(key: RequirementKey): boolean {
  return key === 'limits' || key === 'properties' || key === 'ports' || key === 'versions'
}

function quote(word: string): string {
  return `"${printable(word, 60)}"`
}

function invalid(message: string, known: readonly string[]): RootlessError {
  return new RootlessError('INVALID_ARGUMENT', known.length === 0 ? message : `${message}; known: ${known.join(', ')}`)
}

/** What an engine lacks of a requirement; empty when it meets it. Unknown is not met: nobody could look. */
export function findShortfalls(capabilities: Capabilities, requirement: Requirement): readonly Shortfall[] {
  const { networking, storage, cgroup } = capabilities
  return [
    ...oneOf('networking', requirement.networking, networking.driver, networking.drivers),
    ...oneOf('storage', requirement.storage, storage.driver, storage.drivers),
    ...oneOf('cgroup', requirement.cgroup, cgroup.version, cgroup.versions),
    ...oneOf('manager', requirement.manager, cgroup.manager, cgroup.managers),
    ...allOf('limits', requirement.limits, cgroup.limits),
    ...allOf('properties', requirement.properties, networking.properties),
    ...(requirement.ports ?? []).flatMap((port) => findPortShortfalls(port, networking.properties)),
  ]
}

/** Whether an engine is too old; empty when it is not. Apart from what it can do, as its version is no capability. */
export function findVersionShortfalls(engine: EngineName, version: string, requirement: Requirement): readonly Shortfall[] {
  const oldest = requirement.versions?.[engine]
  if (oldest === undefined || isAtLeast(version, oldest)) return []
  return [{ asked: `versions=${engine}>=${oldest}`, reason: `this is ${printable(version, 60)}` }]
}

/** What is no version is not at least anything. */
function isAtLeast(version: string, oldest: string): boolean {
  const own = version.split('.', 3).map((part) => Number.parseInt(part, 10))
  for (const [index, wanted] of oldest.split('.').map(Number).entries()) {
    const part = own[index] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}

const FIRST_UNPRIVILEGED_PORT = 1024

function findPortShortfalls(port: RequiredPort, properties: NetworkingCapabilities['properties']): readonly Shortfall[] {
  const { host, protocol = 'tcp' } = port
  const needed: readonly NetworkProperty[] = [
    'publish',
    ...(protocol === 'udp' ? (['udp'] as const) : []),
    ...(host !== undefined && host < FIRST_UNPRIVILEGED_PORT ? (['publish-privileged'] as const) : []),
  ]
  const asked = `ports=${host ?? 'any'}/${protocol}`
  const [first] = allOf('properties', needed, properties)
  return first === undefined ? [] : [{ ...first, asked }]
}

function oneOf<Word extends string>(
  key: string,
  wanted: readonly Word[] | undefined,
  used: Finding<Word>,
  each: Readonly<Record<Word, Finding<unknown>>>,
): readonly Shortfall[] {
  if (wanted === undefined || (used.status === 'supported' && wanted.includes(used.value))) return []
  const inUse = used.status === 'supported' ? `${used.value} is in use` : used.reason
  const reasons = wanted.map((word) => {
    const finding = each[word]
    return finding.status === 'supported' ? `${word} could be chosen` : `${word}: ${finding.reason}`
  })
  const asked = `${key}=${wanted.join('|')}`
  return [
    withFix(
      { asked, reason: [inUse, ...reasons].join('; ') },
      wanted.map((word) => each[word]),
    ),
  ]
}

function allOf<Word extends string>(
  key: string,
  wanted: readonly Word[] | undefined,
  each: Readonly<Record<Word, Finding<true>>>,
): readonly Shortfall[] {
  return (wanted ?? []).flatMap((word) => {
    const finding = each[word]
    return finding.status === 'supported' ? [] : [withFix({ asked: `${key}=${word}`, reason: finding.reason }, [finding])]
  })
}

function withFix(shortfall: Shortfall, findings: readonly Finding<unknown>[]): Shortfall {
  const fix = findings.flatMap((finding) => (finding.status === 'unsupported' && finding.fix ? [finding.fix] : []))[0]
  return fix === undefined ? shortfall : { ...shortfall, fix }
}

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
  type NetworkProperty,
  type StorageDriver,
} from './capabilities.ts'
import { RootlessError } from './errors.ts'
import type { Finding, Fix } from './finding.ts'
import { printable } from './printable.ts'

/**
 * What a caller needs of an engine. Every key must hold. The lists of drivers, versions and managers are alternatives for
 * the one in use; `limits` and `properties` must hold one and all.
 */
export interface Requirement {
  readonly networking?: readonly NetworkDriver[]
  readonly storage?: readonly StorageDriver[]
  readonly cgroup?: readonly CgroupVersion[]
  readonly manager?: readonly CgroupManager[]
  readonly limits?: readonly LimitName[]
  readonly properties?: readonly NetworkProperty[]
}

/** The keys of a requirement, each with the words that it may have. */
export const REQUIREMENT_WORDS = {
  networking: NETWORK_DRIVERS,
  storage: STORAGE_DRIVERS,
  cgroup: CGROUP_VERSIONS,
  manager: CGROUP_MANAGERS,
  limits: LIMIT_NAMES,
  properties: NETWORK_PROPERTIES,
} as const satisfies Readonly<Record<keyof Requirement, readonly string[]>>

type RequirementKey = keyof typeof REQUIREMENT_WORDS

/** One part of a requirement that an engine does not meet. */
export interface Shortfall {
  /** What was asked, as `networking=pasta`. */
  readonly asked: string
  readonly reason: string
  readonly fix?: Fix
}

/**
 * Reads `networking=pasta|slirp4netns,cgroup=v2,limits=memory+pids`: pairs joined by `,`, alternatives by `|`, and what must
 * hold together by `+` or by naming the key again.
 *
 * @throws RootlessError `INVALID_ARGUMENT` that names the word and lists the known ones.
 */
export function parseRequirement(text: string): Requirement {
  const found = new Map<RequirementKey, string[]>()
  for (const pair of text.split(',')) {
    const [key = '', ...rest] = pair.split('=').map((part) => part.trim())
    const words = rest.join('=')
    if (!isRequirementKey(key)) throw invalid(`no requirement is called ${quote(key)}`, Object.keys(REQUIREMENT_WORDS))
    if (found.has(key) && !isConjunction(key)) throw invalid(`${key} is required twice; join alternatives by |`, [])
    found.set(key, [...(found.get(key) ?? []), ...parseWords(key, words)])
  }
  return Object.fromEntries(found)
}

function parseWords(key: RequirementKey, words: string): readonly string[] {
  const known: readonly string[] = REQUIREMENT_WORDS[key]
  return words.split(isConjunction(key) ? '+' : '|').map((word) => {
    if (!known.includes(word)) throw invalid(`${key} cannot be ${quote(word)}`, known)
    return word
  })
}

function isRequirementKey(key: string): key is RequirementKey {
  return Object.hasOwn(REQUIREMENT_WORDS, key)
}

function isConjunction(key: RequirementKey): boolean {
  return key === 'limits' || key === 'properties'
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
  ]
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

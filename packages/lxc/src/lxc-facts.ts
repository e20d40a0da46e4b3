import {
  known,
  printable,
  readMountOf,
  unknownFact,
  type Answer,
  type Availability,
  type Fact,
  type Mount,
  type Place,
  type System,
} from '@rootless-runtime/core'
import { parseConfigEntries, toLxcConfig, type ConfigEntry, type LxcConfig } from './lxc-config.ts'
import { readLinksSystemd } from './lxc-linked.ts'
import { describeFailure, PRIVILEGED, SETUP_FIX } from './lxc-errors.ts'

const MAXIMUM_CONFIG_FILES = 64
const MAXIMUM_INCLUDE_DEPTH = 8

/** What LXC says of itself and of the containers that it would make for this user. */
export interface LxcFacts {
  readonly version: string
  /** Whether liblxc was built to ask the user's systemd for a scope of its own. */
  readonly linksSystemd: Fact<boolean>
  readonly lxcPath: Fact<string>
  readonly config: LxcConfig
  /** The mount that holds the folder of the containers. */
  readonly mount: Fact<Mount>
  /** Whether the bridge that the default network names exists. */
  readonly bridgePresent: Fact<boolean>
  readonly bridgeMtuBytes: Fact<number>
}

/** The facts are there exactly when LXC is available. */
export type LxcAnswer =
  | { readonly availability: Extract<Availability, { status: 'available' }>; readonly facts: LxcFacts }
  | { readonly availability: Exclude<Availability, { status: 'available' }>; readonly facts: null }

/** Asks LXC's tools, and reads the configuration of new containers. Starts nothing and changes nothing. */
export async function readLxc(system: System, timeoutMs: number): Promise<LxcAnswer> {
  const program = await system.findExecutable('lxc-start')
  if (program.status === 'absent')
    return unavailable('LXC is not installed: no lxc-start on the PATH', [
      { place: 'lxc-start', answer: 'not on the PATH', verdict: 'absent' },
    ])
  if (program.status !== 'ok')
    return notKnown(program.reason, [{ place: 'lxc-start', answer: program.reason, verdict: 'unknown' }])
  const [version, lxcPath, configPath] = await Promise.all([
    readVersion(system, program.value, timeoutMs),
    readConfigKey(system, 'lxc.lxcpath', timeoutMs),
    readConfigKey(system, 'lxc.default_config', timeoutMs),
  ])
  if (version.status === 'unknown')
    return notKnown(version.reason, [{ place: printable(program.value), answer: version.reason, verdict: 'unknown' }])
  const tool: Place = { place: printable(program.value), answer: `LXC ${version.value}`, verdict: 'used' }
  if (system.user.uid === 0) return unavailable(PRIVILEGED, [{ ...tool, verdict: 'rootful' }])
  const places = [tool, toPathPlace('lxc.lxcpath', lxcPath)]
  if (configPath.status === 'unknown')
    return notKnown(configPath.reason, [...places, toPathPlace('lxc.default_config', configPath)])
  const config = await readConfig(system, configPath.value)
  if (config.status !== 'ok')
    return (config.status === 'absent' ? unavailable : notKnown)(toFailure(configPath.value, config).reason, [
      ...unused(places),
      { place: configPath.value, answer: config.reason, verdict: config.status === 'absent' ? 'absent' : 'unknown' },
    ])
  if (config.value.idMaps.length === 0)
    return unavailable(`${configPath.value} has no lxc.idmap: LXC would need root to make a container`, [
      ...unused(places),
      { place: configPath.value, answer: 'no lxc.idmap', verdict: 'unusable' },
    ])
  return {
    availability: {
      status: 'available',
      version: version.value,
      endpoint: printable(program.value),
      places: [...places, { place: configPath.value, answer: describeConfig(config.value), verdict: 'usable' }],
    },
    facts: await readFacts(system, { version: version.value, program: program.value, timeoutMs }, lxcPath, config.value),
  }
}

interface Asked {
  readonly version: string
  readonly program: string
  readonly timeoutMs: number
}

async function readFacts(system: System, asked: Asked, lxcPath: Fact<string>, config: LxcConfig): Promise<LxcFacts> {
  const link = config.network?.link ?? null
  const [linksSystemd, mount, bridgePresent, bridgeMtuBytes] = await Promise.all([
    readLinksSystemd(system, asked.program, asked.timeoutMs),
    lxcPath.status === 'known' ? readMountOf(system, lxcPath.value) : unknownFact(lxcPath.reason, lxcPath.source),
    readBridgePresent(system, link),
    readBridgeMtu(system, link),
  ])
  return { version: asked.version, linksSystemd, lxcPath, config, mount, bridgePresent, bridgeMtuBytes }
}

async function readVersion(system: System, program: string, timeoutMs: number): Promise<Fact<string>> {
  const source = `${program} --version`
  const answer = await system.run({ file: program, arguments: ['--version'], timeoutMs })
  if (answer.status !== 'exited' || answer.exitCode !== 0) return unknownFact(describeFailure(source, answer), source)
  const version = /^(\d+\.\d+[\w.+~-]{0,40})\s*$/u.exec(answer.stdout)?.[1]
  return version === undefined
    ? unknownFact(`${source} printed ${printable(JSON.stringify(answer.stdout.slice(0, 80)))}, not a version`, source)
    : known(version, source)
}

/** One key of `lxc-config`; a key that is not set prints `KEY is not set.` on stdout. */
async function readConfigKey(system: System, key: string, timeoutMs: number): Promise<Fact<string>> {
  const source = `lxc-config ${key}`
  const answer = await system.run({ file: 'lxc-config', arguments: [key], timeoutMs })
  if (answer.status !== 'exited' || answer.exitCode !== 0) return unknownFact(describeFailure(source, answer), source)
  const path = answer.stdout.replace(/\n$/u, '')
  if (path.startsWith('/') && path === printable(path, 4096)) return known(path, source)
  return unknownFact(`${source} printed ${printable(JSON.stringify(path.slice(0, 80)))}, not a path`, source)
}

type ConfigAnswer = Answer<LxcConfig>
type Failure = Exclude<Answer<never>, { status: 'ok' }>

const INCLUDE = 'lxc.include'

/** A configuration with everything that it includes, in order. A loop or a flood of includes is cut off. */
async function readConfig(system: System, path: string): Promise<ConfigAnswer> {
  const entries = await readEntries(system, path, { filesLeft: MAXIMUM_CONFIG_FILES }, 0)
  return entries.status === 'ok' ? { status: 'ok', value: toLxcConfig(path, entries.value) } : entries
}

/**
 * The entries of a file and of what it includes; of a folder, those of its files that end in `.conf` (lxc.container.conf(5)). One
 * that is not there or cannot be read fails them all: LXC refuses such a configuration, and nobody knows what it would say.
 */
async function readEntries(
  system: System,
  path: string,
  budget: { filesLeft: number },
  depth: number,
): Promise<Answer<readonly ConfigEntry[]>> {
  if (depth > MAXIMUM_INCLUDE_DEPTH || budget.filesLeft === 0) return { status: 'failed', reason: 'it includes too many files' }
  budget.filesLeft -= 1
  const own = depth === 0 ? await readFileEntries(system, path) : await readIncluded(system, path)
  if (own.status !== 'ok') return own
  const entries: ConfigEntry[] = []
  for (const entry of own.value) {
    if (entry.key !== INCLUDE) {
      entries.push(entry)
      continue
    }
    const included = await readEntries(system, entry.value, budget, depth + 1)
    if (included.status !== 'ok') return toFailure(entry.value, included)
    entries.push(...included.value)
  }
  return { status: 'ok', value: entries }
}

function toFailure(path: string, { status, reason }: Failure): Failure {
  return { status, reason: reason.includes(path) ? reason : `${printable(path)}: ${reason}` }
}

async function readIncluded(system: System, path: string): Promise<Answer<readonly ConfigEntry[]>> {
  const names = await system.listDirectory(path)
  if (names.status !== 'ok') return readFileEntries(system, path)
  const files = names.value.filter((name) => name.endsWith('.conf'))
  return { status: 'ok', value: files.map((name) => ({ key: INCLUDE, value: `${path}/${name}` })) }
}

async function readFileEntries(system: System, path: string): Promise<Answer<readonly ConfigEntry[]>> {
  const text = await system.readText(path)
  return text.status === 'ok' ? { status: 'ok', value: parseConfigEntries(text.value) } : text
}

async function readBridgePresent(system: System, link: string | null): Promise<Fact<boolean>> {
  const path = `/sys/class/net/${link ?? ''}`
  if (link === null) return known(false, 'no lxc.net.0.link')
  const status = await system.status(path)
  if (status.status === 'ok' || status.status === 'absent') return known(status.status === 'ok', path)
  return unknownFact(status.reason, path)
}

async function readBridgeMtu(system: System, link: string | null): Promise<Fact<number>> {
  const path = `/sys/class/net/${link ?? ''}/mtu`
  if (link === null) return unknownFact('no bridge is named', 'no lxc.net.0.link')
  const text = await system.readText(path)
  if (text.status !== 'ok') return unknownFact(text.reason, path)
  const bytes = Number(text.value.trim())
  return Number.isInteger(bytes) && bytes >= 68 ? known(bytes, path) : unknownFact(`it reads ${printable(text.value)}`, path)
}

function describeConfig({ idMaps, network }: LxcConfig): string {
  const maps = idMaps.map(({ kind, inside, outside, count }) => `${kind} ${inside} ${outside} ${count}`).join(', ')
  return `maps ids ${maps}; network ${network === null ? 'none' : `${network.type} ${network.link ?? ''}`.trim()}`
}

function toPathPlace(key: string, fact: Fact<string>): Place {
  return fact.status === 'known'
    ? { place: fact.source, answer: fact.value, verdict: 'usable' }
    : { place: `lxc-config ${key}`, answer: fact.reason, verdict: 'unknown' }
}

function unused(places: readonly Place[]): readonly Place[] {
  return places.map((place) => (place.verdict === 'used' ? { ...place, verdict: 'usable' } : place))
}

function unavailable(reason: string, places: readonly Place[]): LxcAnswer {
  const fix = reason === PRIVILEGED ? {} : { fix: SETUP_FIX }
  return { availability: { status: 'unavailable', reason, places, ...fix }, facts: null }
}

function notKnown(reason: string, places: readonly Place[]): LxcAnswer {
  return { availability: { status: 'unknown', reason, places: unused(places) }, facts: null }
}

import {
  CGROUP_MANAGERS,
  CGROUP_VERSIONS,
  LIMIT_NAMES,
  NETWORK_DRIVERS,
  NETWORK_PROPERTIES,
  STORAGE_DRIVERS,
  STORAGE_LAYERS,
  type Capabilities,
  type DriverUse,
  type Finding,
  type Fix,
} from '@rootless-runtime/core'

const LONGEST_TEXT_CHARACTERS = 1200
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/u

/** What capabilities break of the rules that hold for every engine, one sentence each; empty when all are kept. */
export function checkCapabilities(capabilities: Capabilities): readonly string[] {
  const { networking, storage, cgroup } = capabilities
  return [
    ...checkWords('networking.drivers', networking.drivers, NETWORK_DRIVERS),
    ...checkWords('networking.properties', networking.properties, NETWORK_PROPERTIES),
    ...checkWords('storage.drivers', storage.drivers, STORAGE_DRIVERS),
    ...checkWords('cgroup.versions', cgroup.versions, CGROUP_VERSIONS),
    ...checkWords('cgroup.managers', cgroup.managers, CGROUP_MANAGERS),
    ...checkWords('cgroup.limits', cgroup.limits, LIMIT_NAMES),
    ...checkInUse('networking.drivers', networking.driver, networking.drivers),
    ...checkInUse('storage.drivers', storage.driver, storage.drivers),
    ...checkInUse('cgroup.managers', cgroup.manager, cgroup.managers),
    ...checkInUse('cgroup.versions', cgroup.version, cgroup.versions),
    ...checkLayers(capabilities),
    ...listFindings(capabilities).flatMap(([path, finding]) => checkFinding(path, finding)),
  ]
}

/** Every finding of capabilities, with where it stands. */
export function listFindings({ networking, storage, cgroup }: Capabilities): readonly (readonly [string, Finding<unknown>])[] {
  return [
    ['networking.driver', networking.driver],
    ...within('networking.drivers', networking.drivers),
    ['networking.portDriver', networking.portDriver],
    ['networking.mtuBytes', networking.mtuBytes],
    ...within('networking.properties', networking.properties),
    ['storage.driver', storage.driver],
    ...within('storage.drivers', storage.drivers),
    ['storage.backingFileSystem', storage.backingFileSystem],
    ['storage.layers', storage.layers],
    ['cgroup.version', cgroup.version],
    ...within('cgroup.versions', cgroup.versions),
    ['cgroup.manager', cgroup.manager],
    ...within('cgroup.managers', cgroup.managers),
    ['cgroup.controllers', cgroup.controllers],
    ...within('cgroup.limits', cgroup.limits),
  ]
}

function within(path: string, findings: Readonly<Record<string, Finding<unknown>>>): (readonly [string, Finding<unknown>])[] {
  return Object.entries(findings).map(([name, finding]) => [`${path}.${name}`, finding] as const)
}

function checkWords(path: string, findings: Readonly<Record<string, unknown>>, words: readonly string[]): readonly string[] {
  const missing = words.filter((word) => !Object.hasOwn(findings, word))
  const strange = Object.keys(findings).filter((word) => !words.includes(word))
  return [...missing.map((word) => `${path} does not answer for ${word}`), ...strange.map((word) => `${path} knows no ${word}`)]
}

function checkInUse(path: string, used: Finding<string>, each: Readonly<Record<string, Finding<DriverUse>>>): readonly string[] {
  const marked = Object.entries(each).flatMap(([word, finding]) =>
    finding.status === 'supported' && finding.value === 'in use' ? [word] : [],
  )
  const expected = used.status === 'supported' ? [used.value] : []
  return marked.join() === expected.join()
    ? []
    : [`${path} marks ${marked.join(', ') || 'none'} in use, not ${expected.join() || 'none'}`]
}

function checkLayers({ storage }: Capabilities): readonly string[] {
  if (storage.driver.status !== 'supported' || storage.layers.status !== 'supported') return []
  const expected = STORAGE_LAYERS[storage.driver.value]
  return storage.layers.value === expected
    ? []
    : [`storage.layers is ${storage.layers.value}; ${storage.driver.value} has them ${expected}`]
}

function checkFinding(path: string, finding: Finding<unknown>): readonly string[] {
  switch (finding.status) {
    case 'supported':
      return [
        ...checkText(`${path}.evidence`, finding.evidence),
        ...(finding.note === undefined ? [] : checkText(`${path}.note`, finding.note)),
        ...(typeof finding.value === 'string' ? checkText(`${path}.value`, finding.value) : []),
      ]
    case 'unsupported':
      return [
        ...checkText(`${path}.reason`, finding.reason),
        ...checkText(`${path}.evidence`, finding.evidence),
        ...(finding.fix === undefined ? [] : checkFix(`${path}.fix`, finding.fix)),
      ]
    case 'unknown':
      return checkText(`${path}.reason`, finding.reason)
  }
}

function checkText(path: string, text: string): readonly string[] {
  if (text.trim() === '') return [`${path} is empty`]
  if (UNPRINTABLE.test(text)) return [`${path} holds control characters`]
  return text.length > LONGEST_TEXT_CHARACTERS ? [`${path} has ${text.length} characters`] : []
}

function checkFix(path: string, { summary, commands }: Fix): readonly string[] {
  const empty = commands.length === 0 || commands.some((command) => command.length === 0 || command.some((word) => word === ''))
  const shell = commands.some(([program]) => program === 'sh' || program === 'bash')
  return [
    ...checkText(`${path}.summary`, summary),
    ...(empty ? [`${path} has an empty command`] : []),
    ...(shell ? [`${path} is a line for a shell, not a command`] : []),
  ]
}

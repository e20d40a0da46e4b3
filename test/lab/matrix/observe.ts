import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENGINE_NAMES, LIMIT_NAMES, type Finding, type Report } from '@rootless-runtime/core'
import { parseReport } from 'rootless-runtime/schema'
import type { Guest } from '../guest.ts'

/** Facts as `engine.cell` to a word. */
export type Words = Readonly<Record<string, string>>

/** What a guest says and shows. */
export interface Looked {
  readonly said: Words
  readonly seen: Words
}

const OBSERVE_TIMEOUT_MS = 800_000
const CLI = join(import.meta.dirname, '../../../apps/compare/dist')

/** `rootless compare` and the observer, one after the other, in one guest. */
export async function look(guest: Guest, onCompared: () => void): Promise<Looked> {
  await guest.send(CLI, '/project/dist')
  const report = await guest.run('node /project/dist/main.js compare --format json --timeout 60', { timeoutMs: 240_000 })
  const said = toSaid(parseReport(report.stdout))
  onCompared()
  const script = readFileSync(join(import.meta.dirname, 'observe.sh'), 'utf8')
  const output = await guest.must('cat >/tmp/observe.sh && sh /tmp/observe.sh', { input: script, timeoutMs: OBSERVE_TIMEOUT_MS })
  return { said, seen: parseSeen(output) }
}

/** @throws Error when the observer did not reach its end. */
export function parseSeen(output: string): Words {
  const lines = output.split('\n').filter((line) => line.includes('='))
  const seen = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
  if (seen['done'] !== 'yes') throw new Error(`the observer did not reach its end:\n${output}`)
  return seen
}

/** A report's claims on the cells of the matrix, each as one word or a list of words; `unknown: ` and why when it does not know. */
export function toSaid(report: Report): Words {
  const said: Record<string, string> = {}
  const { subordinateUserIds } = report.host.userNamespace
  const ranges = subordinateUserIds.status === 'known' ? subordinateUserIds.value : []
  for (const engine of ENGINE_NAMES) {
    const found = report.engines.find((each) => each.engine === engine)
    if (found === undefined || found.capabilities === null) {
      said[`${engine}.version`] = `unknown: ${JSON.stringify(found?.availability)}`
      continue
    }
    const { availability, capabilities } = found
    said[`${engine}.version`] = availability.status === 'available' ? toUpstream(availability.version) : availability.status
    said[`${engine}.ids`] = ranges.map(({ start, count }) => `${start}:${count}`).join(' ')
    said[`${engine}.network`] = toWord(capabilities.networking.driver, String)
    said[`${engine}.storage`] = toWord(capabilities.storage.driver, String)
    said[`${engine}.refusal`] = toRefusal(capabilities.cgroup.version)
    said[`${engine}.cgroupVersion`] = toWord(capabilities.cgroup.version, String)
    said[`${engine}.cgroupManager`] = toWord(capabilities.cgroup.manager, String)
    said[`${engine}.controllers`] = toWord(capabilities.cgroup.controllers, toList)
    for (const limit of LIMIT_NAMES) {
      said[`${engine}.limit.${limit}`] = toWord(capabilities.cgroup.limits[limit], () => 'bites')
    }
  }
  return said
}

/** A list of words in the order of the alphabet. */
export function toList(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.toSorted().join(' ')
}

/** A version without what a distribution adds to it: `1:20.10.24+dfsg1-1+deb12u1` is 20.10.24. */
export function toUpstream(version: string): string {
  return version.replace(/^\d+:/u, '').replace(/[+~-].*$/u, '')
}

/** Why an engine starts nothing with the cgroups of this host, or `none`. */
function toRefusal(version: Finding<string>): string {
  return version.status === 'unsupported' ? version.reason : 'none'
}

function toWord<Value>(finding: Finding<Value>, toText: (value: Value) => string): string {
  switch (finding.status) {
    case 'supported':
      return toText(finding.value)
    case 'unsupported':
      return 'no'
    case 'unknown':
      return `unknown: ${finding.reason}`
  }
}

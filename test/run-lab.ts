import { globSync } from 'node:fs'
import { join } from 'node:path'
import { check, ONE_AFTER_ANOTHER, root, runProject, say } from './checks.ts'
import type { Count } from './count.ts'
import { WHOLE_GUESTS } from './lab/containers/chosen.ts'
import { toKindName, type GuestKind } from './lab/releases.ts'

const CONTAINERS = 'test/lab/containers/containers.lab.test.ts'
/** What the core guests are looked at with. */
export const CORE_SUITES = ['test/lab/lab.lab.test.ts', 'test/lab/matrix/matrix.lab.test.ts', CONTAINERS]
/** What `--all` looks at every guest with: every suite that there is, the longest first, so that none is left alone at the end. */
export const ALL_SUITES = [
  ...new Set([
    'test/lab/setup/setup.lab.test.ts',
    'test/lab/matrix/matrix.lab.test.ts',
    ...globSync('test/lab/**/*.lab.test.ts', { cwd: root }).toSorted(),
  ]),
]

/** The guests of the lab, built and frozen, which a full cache makes short; and the tools for it installed. */
export function prepareLab(guests: readonly GuestKind[]): Promise<Count> {
  const names = guests.map(toKindName)
  return check(`guests of the lab: ${names.join(', ')}`, [process.execPath, join(root, 'test/lab/lab.ts'), 'prepare', ...names])
}

/** The guests of the lab, once they are prepared: one suite after the other, or as many at once as `--at-once` says. */
export async function runLab(
  prepared: Count,
  guests: readonly GuestKind[],
  suites: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<readonly Count[]> {
  if (prepared.failed > 0) return []
  const environment = { LAB_GUESTS: guests.map(toKindName).join(','), ...more }
  const started = performance.now()
  const waiting = suites.values()
  const counts: Count[] = []
  const times: string[] = []
  const work = async (): Promise<void> => {
    for (const suite of waiting) {
      const before = performance.now()
      const count = await runProject('lab', [...ONE_AFTER_ANOTHER, suite], environment, suite)
      counts.push(count)
      times.push(`${suite}: ${toMinutes(before)}, ${count.passed} passed, ${count.failed} failed`)
    }
  }
  await Promise.all(Array.from({ length: atOnce() }, work))
  say([`== the lab: ${guests.length} guests in ${toMinutes(started)}`, ...times].join('\n'))
  return counts
}

/** Every behaviour of containers, in the guests where that says the most: an hour or two for each. */
export function runWholeContainers(prepared: Count): Promise<readonly Count[]> {
  return runLab(prepared, WHOLE_GUESTS, [CONTAINERS], { LAB_CONTAINERS: 'whole' })
}

function atOnce(): number {
  const at = process.argv.indexOf('--at-once')
  if (at === -1) return 1
  const number = Number(process.argv[at + 1])
  if (!Number.isInteger(number) || number < 1) throw new Error(`--at-once wants a number of suites, not ${process.argv[at + 1]}`)
  return number
}

function toMinutes(since: number): string {
  return `${((performance.now() - since) / 60_000).toFixed(1)} min`
}

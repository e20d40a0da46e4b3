import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENGINE_NAMES, ENGINE_TITLES, type EngineName } from '@rootless-runtime/core'
import { MAXIMUM_MS, MAXIMUM_RATIO, readFaults } from '../faults/fault-record.ts'
import { ALL_GUESTS, toKindName } from '../releases.ts'
import { ARTICLE, findProof } from './article.ts'
import { readObservations, type Observation, type ObservedGuest } from './observation.ts'
import { toUpstream } from './observe.ts'
import { QUIRKS } from './quirks.ts'

const DOCS = join(import.meta.dirname, '../../../docs')
const RENDER_COMMAND = 'node --conditions=@rootless-runtime/source test/lab/matrix/render-matrix.ts'

/** The pages that are made of what was observed. */
export function renderPages(observed: readonly ObservedGuest[]): Readonly<Record<'matrix.md' | 'quirks.md', string>> {
  return { 'matrix.md': renderMatrix(observed), 'quirks.md': renderQuirks(observed) }
}

function renderMatrix(observed: readonly ObservedGuest[]): string {
  const all = observed.flatMap(({ observations }) => observations)
  const count = (verdict: Observation['verdict']): number => all.filter((each) => each.verdict === verdict).length
  return page([
    '# What was observed',
    `Each value was said by \`rootless compare\` inside a guest of the lab and seen there by other means: the processes, mounts,
user namespaces and cgroups of a running container. \`pnpm test:lab --all\` observes, into \`test/lab/observed/\`, and
\`${RENDER_COMMAND}\` makes this page of it. Only what is true of newer
versions (Today, Since) is known from their authors.`,
    `${count('confirmed')} facts confirmed, ${count('contradicted')} contradicted, ${count('unverified')} unverified, ${count('refused')} refused.
**Bold**: the tool said otherwise. (?): it could not be verified, for the reason given. Refused: the engine starts nothing there.`,
    '## The table of December 2020, then and now',
    renderArticle(observed),
    '## Each guest as its release starts it',
    ...ALL_GUESTS.filter(({ configuration }) => configuration !== 'bare').flatMap((kind) => {
      const name = toKindName(kind)
      const found = observed.find(({ guest, suite }) => guest === name && suite === 'matrix')
      return found === undefined ? [`### ${name}`, 'Not observed yet.'] : renderGuest(found)
    }),
    '## Drivers brought up on purpose',
    renderAxes(all.filter(({ axis }) => axis !== 'default')),
    ...renderFaults(),
    '## How each fact was seen',
    table(
      ['Fact', 'By'],
      [...new Map(all.map(({ cell, means }) => [cell, means]))].map(([cell, means]) => [cell, means]),
    ),
  ])
}

function renderArticle(observed: readonly ObservedGuest[]): string {
  const rows = ARTICLE.map((row) => {
    const proof = findProof(row, observed)
    const shown =
      proof === undefined
        ? 'not observed'
        : `${proof.seen}: ${ENGINE_TITLES[row.engine]} ${toUpstream(proof.version)}, ${proof.guest}`
    return [ENGINE_TITLES[row.engine], row.aspect, row.article, shown, row.today, row.since]
  })
  return table(['Engine', '', 'Then', 'Observed', 'Today', 'Since'], rows)
}

function renderGuest(found: ObservedGuest): readonly string[] {
  const { observations, guest, kernel, systemd, date, commit, command } = found
  const cells = [...new Set(observations.map(({ cell }) => cell))].filter((cell) => cell !== 'version')
  const version = (engine: EngineName): string => observations.find((each) => each.engine === engine)?.version ?? ''
  return [
    `### ${guest}`,
    `Linux ${kernel}, systemd ${systemd}. Seen ${date} at ${commit} by \`${command}\`.`,
    table(
      ['', ...ENGINE_NAMES.map((engine) => `${ENGINE_TITLES[engine]} ${version(engine)}`)],
      cells.map((cell) => {
        const find = (engine: EngineName): Observation | undefined =>
          observations.find((each) => each.engine === engine && each.cell === cell)
        return [cell].concat(ENGINE_NAMES.map((engine) => renderCell(find(engine))))
      }),
    ),
  ]
}

function renderCell(observation: Observation | undefined): string {
  if (observation === undefined) return '-'
  switch (observation.verdict) {
    case 'confirmed':
      return observation.seen
    case 'contradicted':
      return `**${observation.seen}**, said ${observation.said}, expected ${observation.expected}`
    case 'refused':
      return `refused: ${observation.reason ?? ''}`.trim()
    case 'unverified':
      return `${observation.seen} (?) ${observation.reason ?? ''}`.trim()
  }
}

function renderAxes(observations: readonly Observation[]): string {
  if (observations.length === 0) return 'Not observed yet.'
  return table(
    ['Guest', 'Engine', 'Asked for', 'Fact', 'Seen'],
    observations.map((observation) => [
      observation.guest,
      `${ENGINE_TITLES[observation.engine]} ${toUpstream(observation.version)}`,
      `${observation.axis}: ${observation.variant}`,
      observation.cell,
      renderCell(observation),
    ]),
  )
}

function renderFaults(): readonly string[] {
  const record = readFaults()
  if (record === undefined) return []
  const { guest, date, commit, accelerator, undisturbedMs, faults } = record
  const heldBy = { seconds: `${MAXIMUM_MS / 1000} s`, ratio: `${MAXIMUM_RATIO} times undisturbed` }
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
  return [
    '## Hosts that broke',
    `In ${guest}, ${date} at ${commit}, by ${accelerator}. An undisturbed \`rootless compare\` took ${seconds(undisturbedMs)} there.
After each, the engines ran containers again.`,
    table(
      ['What broke', 'What `rootless compare` says', 'What to type next', 'Took', 'Within'],
      faults.map((fault) => [fault.title, fault.said, `\`${fault.next}\``, seconds(fault.elapsedMs), heldBy[fault.heldBy]]),
    ),
  ]
}

function renderQuirks(observed: readonly ObservedGuest[]): string {
  const rows = QUIRKS.map((quirk) => {
    const seen = observed.filter((each) => quirk.guests.includes(each.guest) && each.seen !== undefined && quirk.holds(each.seen))
    const versions = new Set(seen.map((each) => toUpstream(each.seen?.[`${quirk.engine}.version`] ?? '')))
    const where = seen.length === 0 ? 'not yet' : seen.map(({ guest }) => guest).join(', ')
    return [
      `${ENGINE_TITLES[quirk.engine]} ${[...versions].join(', ')}`,
      quirk.says,
      quirk.is,
      quirk.since,
      quirk.howToSee,
      where,
    ]
  })
  return page([
    '# Where an engine says what is not so',
    `\`rootless compare\` says what is. The lab sees each of these anew (\`test/lab/matrix/quirks.ts\`); \`${RENDER_COMMAND}\` makes this page.`,
    table(['Engine', 'It says', 'What is', 'Since', 'How to see it', 'Seen in'], rows),
  ])
}

/** A table as the formatter of the repository wants it: each column as wide as its widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(3, ...escaped.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [first = [], ...rest] = escaped
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n')
}

function page(parts: readonly string[]): string {
  return `${parts.join('\n\n')}\n`
}

if (import.meta.main) {
  for (const [name, content] of Object.entries(renderPages(readObservations()))) writeFileSync(join(DOCS, name), content)
}

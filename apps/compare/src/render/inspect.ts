import { ENGINE_TITLES, printable, type Capabilities, type EngineReport, type Finding, type Fix } from 'rootless-runtime'
import { renderFix, type FixOptions } from './fixes.ts'
import type { Style } from './style.ts'

interface Line {
  readonly title: string
  readonly finding: Finding<unknown>
}

interface Group {
  readonly title: string
  readonly lines: readonly Line[]
}

/** Everything about one engine, each answer with its evidence. */
export function renderInspect({ engine, availability, capabilities }: EngineReport, options: FixOptions): string {
  const { style } = options
  const status =
    availability.status === 'available'
      ? `${availability.version}, ${availability.endpoint}`
      : `${availability.status}: ${availability.reason}`
  const mark = { available: 'supported', unavailable: 'unsupported', unknown: 'unknown' } as const
  const head = style.colour(mark[availability.status], `${style.sign(mark[availability.status])} ${printable(status)}`)
  const places = availability.places.map(
    ({ place, answer, verdict }) =>
      `  ${verdict.padEnd(12)} ${printable(place)}\n${' '.repeat(15)}${style.faint(printable(answer))}`,
  )
  const fix = availability.status === 'available' || availability.fix === undefined ? [] : [renderFix(availability.fix, options)]
  return [
    `${style.bold(ENGINE_TITLES[engine])} ${head}`,
    ...fix,
    '',
    style.bold('Looked at'),
    ...places,
    ...(capabilities === null ? [] : listGroups(capabilities).flatMap((group) => ['', renderGroup(group, options)])),
  ].join('\n')
}

function listGroups({ networking, storage, cgroup }: Capabilities): readonly Group[] {
  return [
    {
      title: 'Networking',
      lines: [
        { title: 'driver', finding: networking.driver },
        { title: 'port driver', finding: networking.portDriver },
        { title: 'MTU (bytes)', finding: networking.mtuBytes },
      ],
    },
    { title: 'Network drivers', lines: toLines(networking.drivers) },
    { title: 'Network properties', lines: toLines(networking.properties) },
    {
      title: 'Storage',
      lines: [
        { title: 'driver', finding: storage.driver },
        { title: 'file system beneath', finding: storage.backingFileSystem },
        { title: 'layers', finding: storage.layers },
      ],
    },
    { title: 'Storage drivers', lines: toLines(storage.drivers) },
    {
      title: 'Cgroups',
      lines: [
        { title: 'layout', finding: cgroup.version },
        { title: 'manager', finding: cgroup.manager },
        { title: 'controllers', finding: cgroup.controllers },
      ],
    },
    { title: 'Cgroup layouts', lines: toLines(cgroup.versions) },
    { title: 'Cgroup managers', lines: toLines(cgroup.managers) },
    { title: 'Limits', lines: toLines(cgroup.limits) },
  ]
}

function toLines(findings: Readonly<Record<string, Finding<unknown>>>): readonly Line[] {
  return Object.entries(findings).map(([title, finding]) => ({ title, finding }))
}

function renderGroup({ title, lines }: Group, options: FixOptions): string {
  const width = Math.max(...lines.map((line) => line.title.length))
  return [
    options.style.bold(title),
    ...lines.map((line) => renderLine(line, width, options.style)),
    ...renderFixes(lines, options),
  ].join('\n')
}

function renderLine({ title, finding }: Line, width: number, style: Style): string {
  const { answer, evidence } = describe(finding)
  const beneath = evidence === undefined ? '' : `\n${' '.repeat(width + 6)}${style.faint(printable(evidence))}`
  const sign = style.colour(finding.status, style.sign(finding.status))
  return `  ${sign} ${title.padEnd(width)}  ${printable(answer)}${beneath}`
}

function describe(finding: Finding<unknown>): { readonly answer: string; readonly evidence?: string } {
  switch (finding.status) {
    case 'supported': {
      const note = finding.note === undefined ? '' : `; ${finding.note}`
      return { answer: `${describeValue(finding.value)}${note}`, evidence: finding.evidence }
    }
    case 'unsupported':
      return { answer: finding.reason, evidence: finding.evidence }
    case 'unknown':
      return { answer: `unknown: ${finding.reason}` }
  }
}

function describeValue(value: unknown): string {
  if (value === true) return 'yes'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  return String(value)
}

/** The fixes of a group, each once. */
function renderFixes(lines: readonly Line[], options: FixOptions): readonly string[] {
  const fixes = new Map<string, Fix>()
  for (const { finding } of lines) {
    if (finding.status === 'unsupported' && finding.fix !== undefined)
      fixes.set(JSON.stringify(finding.fix.commands), finding.fix)
  }
  return [...fixes.values()].map((fix) => renderFix(fix, options))
}

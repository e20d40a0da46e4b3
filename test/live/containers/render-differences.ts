import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTAINER_BEHAVIOURS, type Behaviour, type Exception, type Exceptions } from '@rootless-runtime/conformance'
import { ENGINE_NAMES, ENGINE_TITLES, type EngineName } from 'rootless-runtime'
import { readContainersRecords, SETS, type BehaviourSet, type SuiteRun } from '../../lab/containers/containers-record.ts'
import { CONTAINER_EXCEPTIONS, OLD_VERSION_EXCEPTIONS, WITHOUT_NAMES } from './exceptions.ts'

// `node --conditions=@rootless-runtime/source test/live/containers/render-differences.ts` makes docs/where-engines-differ.md.

const themes = Object.entries<Readonly<Record<string, Behaviour>>>(CONTAINER_BEHAVIOURS)
const sentences = new Map(themes.flatMap(([, behaviours]) => Object.entries(behaviours)).map(([id, each]) => [id, each.sentence]))

/** The page of what an engine does in another way, and of what all do. */
export function renderDifferences(): string {
  return `# Where engines differ

Containers are the same on every engine: ${sentences.size} behaviours, each a sentence with its proof, run on each engine by the
suite \`describeContainers\`. This page is made of that suite by
\`node --conditions=@rootless-runtime/source test/live/containers/render-differences.ts\`. An engine that cannot keep a sentence has
an exception here; the suite proves that it is still needed, and that what comes back instead is what this page says.

${ENGINE_NAMES.map(renderEngine).join('\n\n')}

## What depends on the host

These sentences hold everywhere, each with both of its branches: a limit is applied or refused as \`LIMIT_NOT_ENFORCED\` before
anything is made; a container is paused or that is \`NOT_SUPPORTED\`; a port below 1024 answers or is \`PORT_FORBIDDEN\`; a port on
the IPv6 loopback answers or is \`NOT_SUPPORTED\`; figures of \`stats\` are the container's own or unknown with a reason.

## Where the suite has run

${renderRuns()}

## What all engines do

${themes.map(([theme, behaviours]) => renderTheme(theme, Object.values(behaviours))).join('\n\n')}
`
}

function renderEngine(engine: EngineName): string {
  const title = `## ${ENGINE_TITLES[engine]}`
  const old = OLD_VERSION_EXCEPTIONS[engine].flatMap(({ before, exceptions }) =>
    toLines(exceptions, `before ${before.join('.')}: `),
  )
  const hosts = engine === 'podman' ? toLines(WITHOUT_NAMES, 'with CNI without dnsname: ') : []
  const lines = [...toLines(CONTAINER_EXCEPTIONS[engine]), ...old, ...hosts]
  if (lines.length === 0) return `${title}\n\nNo exceptions.`
  return [title, '', '| what it does not keep | instead | why |', '| --- | --- | --- |', ...lines].join('\n')
}

function toLines(exceptions: Exceptions, versions = ''): readonly string[] {
  return Object.entries<Exception>(exceptions).map(([id, { reason, instead }]) => {
    const answer = instead === undefined ? 'it behaves in another way' : `\`${instead}\``
    return `| ${versions}${sentences.get(id)} | ${answer} | ${reason} |`
  })
}

function renderRuns(): string {
  const lines = readContainersRecords().flatMap(({ guest, runs }) =>
    ENGINE_NAMES.flatMap((engine) => SETS.flatMap((set) => toRow(guest, engine, set, runs[engine]?.[set]))),
  )
  const table = [
    '',
    '| guest | engine | set | behaviours | took | seen |',
    '| ----- | ------ | --- | ---------- | ---- | ---- |',
    ...lines,
  ]
  return `On the machine of each run of the tests, whole. In guests of the lab, whose processors are emulated, by
\`test/lab/containers\`: every behaviour (\`LAB_CONTAINERS=whole\`), or those that are chosen for every core guest. The last runs:
${lines.length === 0 ? 'none.' : table.join('\n')}`
}

function toRow(guest: string, engine: EngineName, set: BehaviourSet, run: SuiteRun | undefined): readonly string[] {
  if (run === undefined) return []
  const { version, passed, excepted, failed, minutes, date, commit } = run
  const behaviours = `${passed - excepted.length} kept, ${toWords(excepted, 'as their exceptions say')}, ${toWords(failed, 'failed')}`
  return [`| ${guest} | ${ENGINE_TITLES[engine]} ${version} | ${set} | ${behaviours} | ${minutes} min | ${date}, ${commit} |`]
}

function toWords(ids: readonly string[], what: string): string {
  return ids.length === 0 ? `0 ${what}` : `${ids.length} ${what} (${ids.join(', ')})`
}

function renderTheme(theme: string, behaviours: readonly Behaviour[]): string {
  return [`### ${theme.charAt(0).toUpperCase()}${theme.slice(1)}`, '', ...behaviours.map(({ sentence }) => `- ${sentence}`)].join(
    '\n',
  )
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '../../../docs/where-engines-differ.md'), renderDifferences())
}

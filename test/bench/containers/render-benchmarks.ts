import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  benchmarksSchema,
  MOST_MEGABYTES,
  TOOLS,
  type Benchmarks,
  type LoadResult,
  type SpeedResult,
  type ToolsResult,
} from './results.ts'

// `node test/bench/containers/render-benchmarks.ts`: docs/benchmarks.md out of the file that the benchmark wrote.

const TITLES = { docker: 'Docker', podman: 'Podman', lxc: 'LXC' } as const

/** The page. */
export function renderBenchmarks({ measuredAt, machine, versions, speed, tools, loads }: Benchmarks): string {
  const engines = Object.entries(versions).map(([engine, version]) => `${TITLES[engine as keyof typeof TITLES]} ${version}`)
  return `# Benchmarks of containers

Measured ${measuredAt.slice(0, 10)} on ${machine.processors} cores (${machine.processor}), Linux ${machine.kernel}, Node ${machine.node}: ${engines.join(', ')}.
Written by \`node test/bench/containers/render-benchmarks.ts\` out of the file that \`npx -y pnpm@12 bench:containers\` wrote; nothing here is typed.

## Speed

Ours beside the floor of the same run, one after the other in turn, medians. The floor of a question is a raw request over a kept
connection to the same socket, whose answer nobody parses, and beside it one that parses its JSON; of everything else it is the engine's own client, its output read alike.
LXC has no client that runs an image to its end: its floor is a clone of a container, executed and destroyed.

${renderSpeed(speed)}

## Beside other libraries

The same work by this library, dockerode and testcontainers: in one process, in turn, over one socket, medians in milliseconds.
testcontainers runs without its cleaner, an image that it would fetch. Neither of them knows LXC.

${renderTools(tools)}

## Loads

Each in a process of its own. Memory is the most that process held at once (VmHWM), at most ${MOST_MEGABYTES} MB.

${renderLoads(loads)}
`
}

function renderSpeed(results: readonly SpeedResult[]): string {
  const lines = results.map(
    ({ engine, title, ratio, limit, met, oursMs, floorMs, rounds }) =>
      `| ${TITLES[engine]} | ${title} | ${ratio.toFixed(2)} | ${limit}${met ? '' : ', **missed**'} | ${toMs(oursMs)} / ${toMs(floorMs)} | ${rounds} |`,
  )
  return [
    '| engine | what | ratio | at most | ms, ours / floor | rounds |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

function renderTools(results: readonly ToolsResult[]): string {
  const lines = results.map(
    ({ engine, title, milliseconds, rounds }) =>
      `| ${TITLES[engine]} | ${title} | ${TOOLS.map((tool) => toMs(milliseconds[tool])).join(' | ')} | ${rounds} |`,
  )
  return [
    '| engine | what | this library | dockerode | testcontainers | rounds |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n')
}

function renderLoads(results: readonly LoadResult[]): string {
  const lines = results.map(
    ({ engine, title, problems, seconds, peakMegabytes, detail }) =>
      `| ${TITLES[engine]} | ${title} | ${problems.length === 0 ? detail : `**${problems.join('; ').slice(0, 300)}**`} | ${seconds.toFixed(1)} | ${peakMegabytes.toFixed(0)}${peakMegabytes <= MOST_MEGABYTES ? '' : ', **missed**'} |`,
  )
  return ['| engine | load | what came of it | seconds | MB |', '| --- | --- | --- | --- | --- |', ...lines].join('\n')
}

function toMs(milliseconds: number): string {
  return milliseconds >= 10 ? milliseconds.toFixed(0) : milliseconds.toFixed(2)
}

if (import.meta.main) {
  const results = benchmarksSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'results.json'), 'utf8')))
  writeFileSync(join(import.meta.dirname, '../../../docs/benchmarks.md'), renderBenchmarks(results))
}

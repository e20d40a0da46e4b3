import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, release, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { discoverRuntimes, ENGINE_NAMES, type EngineName } from 'rootless-runtime'
import { runAsUser } from '../as-user.ts'
import { LOADS, measureLoad } from './measure-load.ts'
import { measureSpeed } from './measure-speed.ts'
import {
  benchmarksSchema,
  loadResultSchema,
  MOST_MEGABYTES,
  toolsResultSchema,
  type Benchmarks,
  type LoadResult,
  type SpeedResult,
  type ToolsResult,
} from './results.ts'

// `node test/bench/containers/run.ts [--engine NAME]... [--only speed|tools|load] [--output FILE]`: containers on the engines of the ordinary
// user. It says what is not met and ends well all the same, except when a load lost something.

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    only: { type: 'string' },
    output: { type: 'string' },
    /** Measures and prints JSON. */
    measure: { type: 'boolean' },
    /** Runs one load and prints JSON. */
    load: { type: 'string' },
    /** Measures other libraries and prints JSON. */
    tools: { type: 'boolean' },
  },
})

function isEngine(name: string): name is EngineName {
  return ENGINE_NAMES.some((engine) => engine === name)
}

function isWanted(part: 'speed' | 'tools' | 'load'): boolean {
  return values.only === undefined || values.only === part
}

function runLoad(engine: EngineName, title: string): LoadResult {
  process.stderr.write(`${engine}: ${title}\n`)
  const words = [...process.execArgv, import.meta.filename, '--engine', engine, '--load', title]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 900_000 })
  if (status === 0) return loadResultSchema.parse(JSON.parse(stdout))
  return { engine, title, problems: [`it ended with ${status}: ${stderr.slice(-500)}`], seconds: 0, peakMegabytes: 0, detail: '' }
}

/** In a process of its own: other libraries are told by its environment where the engine is. */
function runTools(engine: EngineName): readonly ToolsResult[] {
  process.stderr.write(`${engine}: other libraries\n`)
  const words = [...process.execArgv, import.meta.filename, '--engine', engine, '--tools']
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 900_000 })
  if (status !== 0) throw new Error(`measuring other libraries on ${engine} ended with ${status}: ${stderr.slice(-500)}`)
  return toolsResultSchema.array().parse(JSON.parse(stdout))
}

async function measure(wanted: readonly EngineName[]): Promise<Benchmarks> {
  const found = await discoverRuntimes({ engines: wanted })
  const versions: Record<string, string> = {}
  const speed: SpeedResult[] = []
  const tools: ToolsResult[] = []
  const loads: LoadResult[] = []
  for (const { engine, availability } of found) {
    if (availability.status !== 'available') continue
    versions[engine] = availability.version
    if (isWanted('speed')) process.stderr.write(`${engine}: speed\n`)
    if (isWanted('speed')) speed.push(...(await measureSpeed(engine)))
    if (isWanted('tools')) tools.push(...runTools(engine))
    if (isWanted('load')) loads.push(...Object.keys(LOADS).map((title) => runLoad(engine, title)))
  }
  const machine = {
    node: process.version,
    kernel: release(),
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
  }
  return { measuredAt: new Date().toISOString(), machine, versions, speed, tools, loads }
}

function renderTable({ speed, tools, loads }: Benchmarks): string {
  const ratios = speed.map(({ engine, title, ratio, limit, met, oursMs, floorMs }) =>
    [
      met ? 'pass' : 'FAIL',
      engine.padEnd(7),
      title.padEnd(36),
      ratio.toFixed(2).padStart(6),
      `(at most ${limit})`.padEnd(15),
      `${oursMs.toFixed(2)} ms / ${floorMs.toFixed(2)} ms`,
    ].join(' '),
  )
  const beside = tools.map(({ engine, title, milliseconds }) =>
    [
      '    ',
      engine.padEnd(7),
      title.padEnd(46),
      ...Object.entries(milliseconds).map(([tool, ms]) => `${tool} ${ms.toFixed(0)} ms`),
    ].join(' '),
  )
  const done = loads.map(({ engine, title, problems, seconds, peakMegabytes, detail }) =>
    [
      problems.length === 0 && peakMegabytes <= MOST_MEGABYTES ? 'pass' : 'FAIL',
      engine.padEnd(7),
      title.padEnd(28),
      `${seconds.toFixed(1)} s`.padStart(8),
      `${peakMegabytes.toFixed(0)} MB`.padStart(7),
      problems.join('; ') || detail,
    ].join(' '),
  )
  return `${[...ratios, ...beside, ...done].join('\n')}\n`
}

async function main(): Promise<void> {
  const wanted = (values.engine ?? [...ENGINE_NAMES]).filter(isEngine)
  const [first] = wanted
  if (values.load !== undefined && first !== undefined) return print(await measureLoad(first, values.load))
  // Not loaded where memory is measured: dockerode and testcontainers would hold 40 MB of it.
  if (values.tools === true && first !== undefined) return print(await (await import('./measure-tools.ts')).measureTools(first))
  const asRoot = userInfo().uid === 0
  const words = ['--measure', ...process.argv.slice(2)]
  if (values.measure === true && !asRoot) return print(await measure(wanted))
  const benchmarks = asRoot ? benchmarksSchema.parse(JSON.parse(runAsUser(import.meta.filename, words))) : await measure(wanted)
  const output = values.output ?? join(import.meta.dirname, 'results.json')
  writeFileSync(output, `${JSON.stringify(benchmarks, null, 2)}\n`)
  process.stdout.write(`${renderTable(benchmarks)}written to ${output}\n`)
  process.exit(benchmarks.loads.some(({ problems }) => problems.length > 0) ? 1 : 0)
}

// Whatever an engine's connection keeps open must not hold this process up.
function print(result: unknown): void {
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}

await main()

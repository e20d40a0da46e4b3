import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { discoverRuntimes, ENGINE_NAMES, type EngineName } from 'rootless-runtime'
import { LOADS, measureLoad } from './measure-load.ts'
import { measureSpeed } from './measure-speed.ts'
import { benchmarksSchema, loadResultSchema, type Benchmarks, type LoadResult } from './results.ts'

// `node test/bench/containers/run.ts [--engine NAME]... [--only speed|load] [--output FILE]`, as the ordinary user whose engines
// they are. It says what is not met and ends well all the same, except when a load lost something.

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    only: { type: 'string' },
    output: { type: 'string' },
    load: { type: 'string' },
    'lxc-base': { type: 'string', default: 'rootless-bench-base' },
  },
})

function isEngine(name: string): name is EngineName {
  return ENGINE_NAMES.some((engine) => engine === name)
}

function runLoad(engine: EngineName, title: string): LoadResult {
  process.stderr.write(`${engine}: ${title}\n`)
  const words = [...process.execArgv, join(import.meta.dirname, 'run.ts'), '--engine', engine, '--load', title]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    timeout: 900_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status === 0) return loadResultSchema.parse(JSON.parse(stdout))
  return { engine, title, problems: [`it ended with ${status}: ${stderr.slice(-500)}`], seconds: 0, peakMegabytes: 0, detail: '' }
}

async function main(): Promise<void> {
  const wanted = (values.engine ?? [...ENGINE_NAMES]).filter(isEngine)
  if (values.load !== undefined && wanted[0] !== undefined) {
    process.stdout.write(JSON.stringify(await measureLoad(wanted[0], values.load)))
    process.exit(0)
  }
  const found = (await discoverRuntimes({ engines: wanted })).filter(({ availability }) => availability.status === 'available')
  const engines = found.map(({ engine }) => engine)
  const versions = Object.fromEntries(
    found.map(({ engine, availability }) => [engine, availability.status === 'available' ? availability.version : '']),
  )
  const speed = []
  for (const engine of values.only === 'load' ? [] : engines) {
    process.stderr.write(`${engine}: speed\n`)
    const image = engine === 'lxc' ? values['lxc-base'] : 'localhost/rootless-bench:latest'
    speed.push(...(await measureSpeed(engine, engine === 'docker' ? 'rootless-bench:latest' : image)))
  }
  const loads =
    values.only === 'speed' ? [] : engines.flatMap((engine) => Object.keys(LOADS).map((title) => runLoad(engine, title)))
  const machine = {
    node: process.version,
    kernel: release(),
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
  }
  const benchmarks: Benchmarks = benchmarksSchema.parse({ measuredAt: new Date().toISOString(), machine, versions, speed, loads })
  const output = values.output ?? join(import.meta.dirname, 'results.json')
  writeFileSync(output, `${JSON.stringify(benchmarks, null, 2)}\n`)
  for (const { engine, title, ratio, limit, met, oursMs, floorMs } of speed) {
    process.stdout.write(
      `${met ? 'pass' : 'FAIL'}  ${engine.padEnd(7)}${title.padEnd(40)}${ratio.toFixed(2).padStart(7)}  (at most ${limit})  ${oursMs.toFixed(2)} ms / ${floorMs.toFixed(2)} ms\n`,
    )
  }
  for (const { engine, title, problems, seconds, peakMegabytes, detail } of loads) {
    process.stdout.write(
      `${problems.length === 0 ? 'pass' : 'FAIL'}  ${engine.padEnd(7)}${title.padEnd(30)}${seconds.toFixed(1).padStart(7)} s ${peakMegabytes.toFixed(0).padStart(5)} MB  ${problems.join('; ') || detail}\n`,
    )
  }
  process.stdout.write(`written to ${output}\n`)
  process.exit(loads.some(({ problems }) => problems.length > 0) ? 1 : 0)
}

await main()

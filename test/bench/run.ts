import { writeFileSync } from 'node:fs'
import { cpus, release, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { runAsUser } from './as-user.ts'
import { NUMBER_OF_RUNS } from './measure.ts'
import { measureTargets, resultSchema, type Result } from './targets.ts'

// `node test/bench/run.ts [--output FILE]`: the speed of what was built, as ratios within one run, against its targets. It says
// what is not met and still ends well: a slow machine is no broken one. As root it measures as an ordinary user, TEST_USER or
// the one that `rootless setup` makes, because engines belong to that one.

const root = join(import.meta.dirname, '../..')

function renderTable(results: readonly Result[]): string {
  const lines = results.map(({ title, value, limit, unit, parts, met }) => {
    const suffix = unit === 'MB' ? ' MB' : ''
    const measured = `${value.toFixed(2)}${suffix}`.padStart(10)
    return `${met ? 'pass' : 'FAIL'}  ${title.padEnd(48)}${measured}  (at most ${limit}${suffix})  ${parts}`.trimEnd()
  })
  return `${lines.join('\n')}\n${results.filter(({ met }) => met).length} of ${results.length} targets met; medians of ${NUMBER_OF_RUNS} runs\n`
}

function main(): void {
  const { values } = parseArgs({ options: { output: { type: 'string' }, measure: { type: 'boolean' } } })
  if (values.measure === true) {
    process.stdout.write(JSON.stringify(measureTargets(root)))
    return
  }
  const asRoot = userInfo().uid === 0
  const results = asRoot
    ? z.array(resultSchema).parse(JSON.parse(runAsUser(import.meta.filename, ['--measure'])))
    : measureTargets(root)
  process.stdout.write(renderTable(results))
  const output = values.output ?? join(import.meta.dirname, 'results.json')
  const machine = {
    node: process.version,
    kernel: release(),
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
  }
  const report = { measuredAt: new Date().toISOString(), runs: NUMBER_OF_RUNS, machine, results }
  writeFileSync(output, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(`written to ${output}\n`)
}

main()

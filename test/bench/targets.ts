import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { measureInTurn, median, NUMBER_OF_RUNS, peakMegabytes, timeMs, type Program } from './measure.ts'

const node = process.execPath

/** One target, with what was measured. */
export const resultSchema = z.object({
  title: z.string(),
  unit: z.enum(['ratio', 'MB']),
  value: z.number(),
  limit: z.number(),
  /** What the ratio is made of, in milliseconds. */
  parts: z.string(),
  met: z.boolean(),
})
export type Result = z.infer<typeof resultSchema>

interface Programs {
  readonly bare: Program
  readonly version: Program
  readonly compare: Program
  readonly podmanInfo: Program
  readonly importSdk: Program
  readonly importZod: Program
}

function toPrograms(root: string): Programs {
  const main = join(root, 'apps/compare/dist/main.js')
  for (const path of [main, join(root, 'packages/sdk/dist/index.js')]) {
    if (!existsSync(path)) throw new Error(`${path} is not built; type: pnpm build`)
  }
  const folder = join(root, 'test')
  const importing = (name: string): Program => ({
    words: [node, '--input-type=module', '--eval', `import ${JSON.stringify(name)}`],
    folder,
  })
  return {
    bare: { words: [node, '-e', '0'], folder },
    version: { words: [node, main, '--version'], folder },
    compare: { words: [node, main, 'compare', '--format', 'json'], folder },
    podmanInfo: { words: ['podman', 'info', '--format', 'json'], folder: '/' },
    importSdk: importing('rootless-runtime'),
    importZod: importing('zod'),
  }
}

/** Measures every target once more than often enough. Needs a build, and Podman on the PATH. */
export function measureTargets(root: string): readonly Result[] {
  const programs = toPrograms(root)
  const values = measureInTurn(
    {
      bare: () => timeMs(programs.bare),
      version: () => timeMs(programs.version),
      compare: () => timeMs(programs.compare),
      podmanInfo: () => timeMs(programs.podmanInfo),
      importSdk: () => timeMs(programs.importSdk),
      importZod: () => timeMs(programs.importZod),
      memory: () => peakMegabytes(programs.compare),
    },
    (run) => {
      if (process.stderr.isTTY)
        process.stderr.write(`\rrun ${run + 1} of ${NUMBER_OF_RUNS}${run + 1 === NUMBER_OF_RUNS ? '\n' : ''}`)
    },
  )
  const of = (name: string): number => median(values.get(name) ?? [])
  const [bare, podmanInfo, memory] = [of('bare'), of('podmanInfo'), of('memory')]
  return [
    toRatio('rootless --version / node -e 0', [of('version')], [bare], 1.4),
    toRatio('rootless compare / (node -e 0 + podman info)', [of('compare')], [bare, podmanInfo], 1.25),
    toRatio("import 'rootless-runtime' / import 'zod'", [of('importSdk')], [of('importZod')], 1.5),
    { title: 'peak memory of rootless compare', unit: 'MB', value: round(memory), limit: 120, parts: '', met: memory < 120 },
  ]
}

function toRatio(title: string, above: readonly number[], below: readonly number[], limit: number): Result {
  const sum = (each: readonly number[]): number => each.reduce((total, value) => total + value, 0)
  const ratio = sum(above) / sum(below)
  const text = (each: readonly number[]): string => each.map((value) => value.toFixed(0)).join(' + ')
  return { title, unit: 'ratio', value: round(ratio), limit, parts: `${text(above)} ms / ${text(below)} ms`, met: ratio <= limit }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

import { printable, type ContainerStats, type EngineName, type Fact } from 'rootless-runtime'
import { renderBytes, renderColumns } from './columns.ts'
import type { Style } from './style.ts'

/** What a container used at one time. */
export interface StatsSample {
  readonly time: Date
  readonly engine: EngineName
  readonly id: string
  readonly name: string
  /** Processors used since the sample before; `null` for the first. */
  readonly cpus: number | null
  readonly stats: ContainerStats
}

const HEAD = ['ENGINE', 'NAME', 'CPUS', 'MEMORY', 'LIMIT', 'PIDS', 'DISK READ', 'WRITTEN', 'NET IN', 'OUT']

/** A row for each container; below them, once each, why a figure is unknown. */
export function renderStats(samples: readonly StatsSample[], style: Style): string {
  const rows = samples.map(({ engine, name, cpus, stats }) => [
    engine,
    printable(name, 60),
    stats.cpuMicroseconds.status === 'unknown' ? 'unknown' : cpus === null ? '-' : cpus.toFixed(2),
    renderFact(stats.memoryBytes, renderBytes),
    renderFact(stats.memoryLimitBytes, (bytes) => (bytes === null ? 'none' : renderBytes(bytes))),
    renderFact(stats.pids, String),
    ...[stats.ioReadBytes, stats.ioWriteBytes, stats.networkReceivedBytes, stats.networkSentBytes].map((fact) =>
      renderFact(fact, renderBytes),
    ),
  ])
  const reasons = new Set(samples.flatMap(({ stats }) => listUnknown(stats)))
  return [renderColumns(HEAD, rows, style), ...[...reasons].map((reason) => style.faint(`unknown: ${reason}`))].join('\n')
}

function renderFact<Value>(fact: Fact<Value>, render: (value: Value) => string): string {
  return fact.status === 'known' ? render(fact.value) : 'unknown'
}

function listUnknown(stats: ContainerStats): readonly string[] {
  const facts: readonly Fact<unknown>[] = Object.values(stats)
  return facts.flatMap((fact) => (fact.status === 'unknown' ? [printable(fact.reason)] : []))
}

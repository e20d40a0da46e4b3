import { stripVTControlCharacters } from 'node:util'
import type { Style } from './style.ts'

/** Rows as lines, each column as wide as its longest cell, with a head of its own. Cells are printable already. */
export function renderColumns(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const all = [head, ...rows]
  const widths = head.map((_, index) => Math.max(...all.map((row) => widthOf(row[index] ?? ''))))
  const lines = all.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - widthOf(cell))))
      .join('  '),
  )
  return [style.bold(lines[0] ?? ''), ...lines.slice(1)].join('\n')
}

function widthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length
}

const STEPS = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const

/** `64 MiB`, `1.5 GiB`, `512 B`. */
export function renderBytes(bytes: number): string {
  const step = STEPS.find(([unit]) => bytes >= unit)
  if (step === undefined) return `${bytes} B`
  const [unit, name] = step
  return `${Number((bytes / unit).toFixed(1))} ${name}`
}

const PERIODS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

/** How long ago, in its largest unit: `5 min`. */
export function renderAge(then: Date, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - then.getTime()) / 1000))
  const [unit, name] = PERIODS.find(([period]) => seconds >= period) ?? [1, 's']
  return `${Math.floor(seconds / unit)} ${name}`
}

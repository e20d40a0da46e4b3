import Table from 'cli-table3'
import { wrapAnsi } from 'fast-wrap-ansi'
import { printable, type Matrix, type MatrixCell } from 'rootless-runtime'
import type { Style } from './style.ts'

/** Below this a grid has columns too narrow to read; one block per engine follows. */
const NARROWEST_GRID_COLUMNS = 76
const WIDEST_GRID_COLUMNS = 160
const TITLE_COLUMNS = 13

const BORDERS = {
  top: '─',
  'top-mid': '┬',
  'top-left': '┌',
  'top-right': '┐',
  bottom: '─',
  'bottom-mid': '┴',
  'bottom-left': '└',
  'bottom-right': '┘',
  left: '│',
  'left-mid': '├',
  mid: '─',
  'mid-mid': '┼',
  right: '│',
  'right-mid': '┤',
  middle: '│',
}

/** The matrix for a terminal of that many columns. */
export function renderTable(matrix: Matrix, style: Style, columns: number): string {
  const fits = columns >= NARROWEST_GRID_COLUMNS || matrix.columns.length < 2
  return fits ? renderGrid(matrix, style, Math.min(columns, WIDEST_GRID_COLUMNS)) : renderBlocks(matrix, style, columns)
}

function renderGrid(matrix: Matrix, style: Style, columns: number): string {
  const borders = matrix.columns.length + 2
  const width = Math.max(12, Math.floor((columns - TITLE_COLUMNS - borders) / matrix.columns.length))
  const table = new Table({
    head: ['', ...matrix.columns.map(({ title }) => style.bold(title))],
    colWidths: [TITLE_COLUMNS, ...matrix.columns.map(() => width)],
    // Text is wrapped before it is coloured: the library cuts no colour in two then.
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
    chars: style.unicode ? BORDERS : toAscii(BORDERS),
  })
  for (const row of matrix.rows) {
    table.push([style.bold(row.title), ...row.cells.map((cell) => renderCell(cell, style, width - 2).join('\n'))])
  }
  return table.toString()
}

function toAscii<Key extends string>(borders: Readonly<Record<Key, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries<string>(borders).map(([name, sign]) => [name, sign === '─' ? '-' : sign === '│' ? '|' : '+']),
  )
}

/** One engine below the other, for narrow terminals. */
function renderBlocks(matrix: Matrix, style: Style, columns: number): string {
  const width = Math.max(20, columns) - 2
  const blocks = matrix.columns.map(({ title }, index) => {
    const rows = matrix.rows.map((row) => {
      const cell = row.cells[index]
      const lines = cell === undefined ? [] : renderCell(cell, style, width)
      return [style.faint(row.title), ...lines.map((line) => `  ${line}`)].join('\n')
    })
    return [style.bold(title), ...rows].join('\n')
  })
  return blocks.join('\n\n')
}

/** A cell as lines no wider than `width`: the value, then its details one by one. */
function renderCell(cell: MatrixCell, style: Style, width: number): readonly string[] {
  const wrap = (text: string): readonly string[] => wrapAnsi(text, width, { hard: true }).split('\n')
  const value = wrap(`${style.sign(cell.status)} ${printable(cell.value)}`)
  const details = cell.details.flatMap((detail) => wrap(printable(detail)))
  return [...value.map((line) => style.colour(cell.status, line)), ...details.map((line) => style.faint(line))]
}

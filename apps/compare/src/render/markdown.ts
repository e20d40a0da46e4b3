import { printable, type Matrix, type MatrixCell } from 'rootless-runtime'

const SIGNS = { supported: '✔', unsupported: '✘', unknown: '?' } as const

/** The matrix as a table of GitHub's Markdown. */
export function renderMarkdown(matrix: Matrix): string {
  const head = ['', ...matrix.columns.map(({ title }) => title)]
  const rows = matrix.rows.map(({ title, cells }) => [`**${title}**`, ...cells.map(renderCell)])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function renderCell({ status, value, details }: MatrixCell): string {
  return [`${SIGNS[status]} **${escape(value)}**`, ...details.map(escape)].join('<br>')
}

// What Markdown or HTML would read as its own.
function escape(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\|*_`[\]]/gu, (sign) => `\\${sign}`)
}

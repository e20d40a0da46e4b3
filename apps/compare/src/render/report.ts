import { toArticleMatrix, toMatrix, type Report } from 'rootless-runtime'
import type { Io } from '../io.ts'
import { renderConditions, renderNextSteps } from './fixes.ts'
import { renderMarkdown } from './markdown.ts'
import { renderOrigin } from './report-lines.ts'
import { toStyle } from './style.ts'
import { renderTable } from './table.ts'

export interface ReportRendering {
  readonly format: 'table' | 'markdown' | 'json'
  /** Exactly the rows and columns of the article. */
  readonly article?: boolean
  /** The file that it is for; a terminal without one. */
  readonly output?: string
}

/** A report as text, in the format that was asked for. */
export function renderReport(report: Report, { format, article, output: file }: ReportRendering, io: Io): string {
  const matrix = article === true ? toArticleMatrix(report) : toMatrix(report)
  switch (format) {
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`
    case 'markdown':
      return `${renderMarkdown(matrix)}\n\n${renderOrigin(report)}\n`
    case 'table': {
      // A file has no colours and no width of its own.
      const output = file === undefined ? io.out : { ...io.out, isTerminal: false, columns: 120 }
      const style = toStyle(output, io.environment)
      const { conditions } = report.host
      const next = renderNextSteps(matrix, conditions, { style, self: io.self, isRoot: io.userId === 0, userName: io.userName })
      const parts = [
        renderTable(matrix, style, output.columns),
        style.faint(renderOrigin(report)),
        renderConditions(conditions, style),
        next,
      ]
      return `${parts.filter((part) => part !== '').join('\n')}\n`
    }
  }
}

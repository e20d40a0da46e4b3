import type { ReportProgress } from 'rootless-runtime'
import type { Output } from '../io.ts'

/** One line that is rewritten while engines are asked, and wiped at the end. Nothing at all without a terminal. */
export interface ProgressLine {
  readonly report: (progress: ReportProgress) => void
  readonly end: () => void
}

export function createProgressLine(output: Output): ProgressLine {
  if (!output.isTerminal) return { report: () => {}, end: () => {} }
  const waiting = new Set<string>()
  const draw = (): void => {
    output.write(`\r\u001b[K${waiting.size === 0 ? '' : `asking ${[...waiting].join(', ')} …`.slice(0, output.columns - 1)}`)
  }
  return {
    report: ({ subject, state }) => {
      if (state === 'asked') waiting.add(subject)
      else waiting.delete(subject)
      draw()
    },
    end: () => output.write('\r\u001b[K'),
  }
}

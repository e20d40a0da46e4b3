import { spawn } from 'node:child_process'
import { readChildTerminal } from './proc.ts'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** script(1) starts its child a moment after itself. */
const TRIES = 50
const TRY_MS = 20

/** Sets the size of the terminal that script(1) made; the kernel tells those who sit at it, by SIGWINCH. */
export function resizeTerminal(scriptPid: number, { columns, rows }: TerminalSize, triesLeft: number = TRIES): void {
  const path = readChildTerminal(scriptPid)
  if (path !== null) {
    spawn('stty', ['-F', path, 'cols', String(columns), 'rows', String(rows)], { stdio: 'ignore' }).on('error', () => {})
  } else if (triesLeft > 0) {
    setTimeout(() => resizeTerminal(scriptPid, { columns, rows }, triesLeft - 1), TRY_MS).unref()
  }
}

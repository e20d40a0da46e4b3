import type { Machine, TerminalSize } from '@rootless-runtime/core'

/** A program with what it needs in its environment. */
export interface Program {
  readonly file: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export function toProgram(line: readonly string[]): Program {
  const [file = '', ...rest] = line
  return { file, arguments: rest, environment: {} }
}

const WORD = 'ROOTLESS_WORD_'

/**
 * A program at a terminal, by script(1): Node can make none. Before 2.40 it takes its command as a line for a shell only, so the
 * words are put into variables, and the line names these.
 */
export function withTerminal(line: readonly string[]): Program {
  const names = line.map((_, index) => `${WORD}${index}`)
  // Without its own size a terminal has none at all; 80 to 24 is what programs take for it.
  const command = `stty cols 80 rows 24; exec ${names.map((name) => `"$${name}"`).join(' ')}`
  return {
    file: 'script',
    arguments: ['--quiet', '--flush', '--return', '--command', command, '/dev/null'],
    environment: { SHELL: '/bin/sh', ...Object.fromEntries(line.map((word, index) => [names[index] ?? WORD, word])) },
  }
}

/** Sets the size of the terminal that script(1) made. The kernel tells those who sit at it, by SIGWINCH. */
export async function resizeTerminal(machine: Machine, scriptPid: number, { columns, rows }: TerminalSize): Promise<void> {
  const children = await machine.readText(`/proc/${scriptPid}/task/${scriptPid}/children`)
  const child = children.status === 'ok' ? children.value.trim().split(' ')[0] : undefined
  if (child === undefined || child === '') return
  const terminal = await machine.realPath(`/proc/${child}/fd/0`)
  if (terminal.status !== 'ok' || !terminal.value.startsWith('/dev/pts/')) return
  const size = ['cols', String(columns), 'rows', String(rows)]
  await machine.run({ file: 'stty', arguments: ['-F', terminal.value, ...size], timeoutMs: 5000 })
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Machine, TerminalSize } from '@rootless-runtime/core'
import { COLUMNS, ROWS } from './lxc-terminal-size.ts'

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
  // As LXC will set it: the terminal inside does the work. It does so only when its command has begun. Without a size of its own a
  // terminal has none at all; 80 to 24 is what programs take for it.
  const command = `stty raw -echo opost onlcr cols "\${${COLUMNS}:-80}" rows "\${${ROWS}:-24}"; exec ${names.map((name) => `"$${name}"`).join(' ')}`
  return {
    file: 'script',
    arguments: ['--quiet', '--flush', '--return', '--command', command, '/dev/null'],
    environment: { SHELL: '/bin/sh', ...Object.fromEntries(line.map((word, index) => [names[index] ?? WORD, word])) },
  }
}

/**
 * Waits until LXC took a terminal over: it throws away what was typed before (TCSAFLUSH). It is known by `ignpar`, which nobody else
 * sets.
 */
export async function awaitTakenOver(machine: Machine, scriptPid: number): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const terminal = await findTerminal(machine, scriptPid)
    const answer =
      terminal === null ? null : await machine.run({ file: 'stty', arguments: ['-F', terminal, '-a'], timeoutMs: STTY_MS })
    if (answer?.status === 'exited' && /(?:^|\s)ignpar\b/u.test(answer.stdout)) return
    await sleep(TRY_MS)
  }
}

const [TRIES, TRY_MS, STTY_MS] = [100, 20, 5000]

async function findTerminal(machine: Machine, scriptPid: number): Promise<string | null> {
  const children = await machine.readText(`/proc/${scriptPid}/task/${scriptPid}/children`)
  const child = children.status === 'ok' ? children.value.trim().split(' ')[0] : undefined
  if (child === undefined || child === '') return null
  const terminal = await machine.realPath(`/proc/${child}/fd/0`)
  return terminal.status === 'ok' && terminal.value.startsWith('/dev/pts/') ? terminal.value : null
}

/** Sets the size of the terminal that script(1) made. The kernel tells those who sit at it, by SIGWINCH. */
export async function resizeTerminal(machine: Machine, scriptPid: number, { columns, rows }: TerminalSize): Promise<void> {
  const terminal = await findTerminal(machine, scriptPid)
  const size = ['cols', String(columns), 'rows', String(rows)]
  if (terminal !== null) await machine.run({ file: 'stty', arguments: ['-F', terminal, ...size], timeoutMs: STTY_MS })
}

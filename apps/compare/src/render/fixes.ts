import { printable, type Fix, type HostCondition, type Matrix } from 'rootless-runtime'
import type { Style } from './style.ts'

/** A command as a person types it: words that a shell would read otherwise are quoted. */
export function toCommandLine(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ')
}

/** The fixes of a matrix and of what will hurt, each once. */
export function listFixes(matrix: Matrix, conditions: readonly HostCondition[]): readonly Fix[] {
  const found = new Map<string, Fix>()
  for (const { fix } of [...matrix.rows.flatMap(({ cells }) => cells), ...conditions]) {
    if (fix !== undefined && !found.has(JSON.stringify(fix.commands))) found.set(JSON.stringify(fix.commands), fix)
  }
  return [...found.values()]
}

export interface FixOptions {
  readonly style: Style
  /** How this command is called here. */
  readonly self: readonly string[]
  readonly isRoot: boolean
  /** Who looked: `rootless setup` by sudo is told for whom. */
  readonly userName: string
}

/** A fix in full: what for, what to type, and how to see that it worked. */
export function renderFix(fix: Fix, { style, self, isRoot, userName }: FixOptions): string {
  const needsRoot = fix.needsRoot && !isRoot
  const lines = fix.commands.map((command) => {
    const forUser = needsRoot && command[1] === 'setup' ? ['--user', userName] : []
    const called = command[0] === 'rootless' ? [...self, ...command.slice(1), ...forUser] : command
    return `    ${style.bold(printable(toCommandLine(needsRoot ? ['sudo', ...called] : called), 2000))}`
  })
  return [`  ${style.bullet} ${printable(fix.summary)}:`, ...lines].join('\n')
}

/** What on this host will hurt, a line each. */
export function renderConditions(conditions: readonly HostCondition[], style: Style): string {
  if (conditions.length === 0) return ''
  const sign = style.colour('unsupported', style.sign('unsupported'))
  return [style.bold('What will hurt'), ...conditions.map(({ message }) => `  ${sign} ${printable(message)}`)].join('\n')
}

/** What to type next, for everything that a matrix or a condition of the host says is amiss. */
export function renderNextSteps(matrix: Matrix, conditions: readonly HostCondition[], options: FixOptions): string {
  const fixes = listFixes(matrix, conditions)
  if (fixes.length === 0) return ''
  return [options.style.bold('Next'), ...fixes.map((fix) => renderFix(fix, options))].join('\n')
}

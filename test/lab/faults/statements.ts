/** One sentence of a report that says what is wrong, and the commands to type. */
export interface Statement {
  readonly text: string
  readonly commands: readonly string[]
}

/** Everything in a report that says what is wrong: conditions of the host, reasons of engines and of their findings. */
export function toStatements(value: unknown): readonly Statement[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(toStatements)
  const text = 'message' in value ? value.message : 'reason' in value ? value.reason : undefined
  if (typeof text !== 'string') return inside
  return [{ text, commands: 'fix' in value ? toCommands(value.fix) : [] }, ...inside]
}

function toCommands(fix: unknown): readonly string[] {
  if (typeof fix !== 'object' || fix === null || !('commands' in fix) || !Array.isArray(fix.commands)) return []
  return fix.commands.map((command) => (Array.isArray(command) ? command.join(' ') : ''))
}

/** Where the command reads and writes. Only main.ts makes a real one; tests make theirs. */
export interface Io {
  readonly out: Output
  readonly error: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Fires when a person ends the command. */
  readonly signal: AbortSignal
  readonly userId: number
  readonly userName: string
  /** How a person calls this command again: `rootless`, or the words that lead to it. */
  readonly self: readonly string[]
  /** Asks a person at a terminal; absent without one. */
  readonly ask?: (question: string) => Promise<string>
}

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  readonly columns: number
}

/** What the command ends with. */
export const EXIT = { fine: 0, requirementNotMet: 1, wrongUse: 2, couldNotLook: 3, interrupted: 130 } as const

/** Something that the lab cannot do, with what to do about it. */
export class LabError extends Error {
  override readonly name = 'LabError'
  /** What to type or change next. */
  readonly nextStep: string

  constructor(message: string, nextStep: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.nextStep = nextStep
  }
}

/** The message and, for our own errors, the next step. */
export function tellLabError(error: unknown): string {
  if (error instanceof LabError) return `${error.message}\nNext: ${error.nextStep}`
  return error instanceof Error ? error.message : String(error)
}

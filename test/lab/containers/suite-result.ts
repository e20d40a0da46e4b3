import { z } from 'zod'

/** How one behaviour ended in a guest. */
export interface Outcome {
  readonly status: 'passed' | 'failed' | 'left out'
  readonly title: string
  readonly message: string
}

/** What one run of the suite in a guest said. */
export interface SuiteResult {
  /** By the ids of behaviours. */
  readonly outcomes: ReadonlyMap<string, Outcome>
  /** What went wrong beside the behaviours: before them, after them, or that the suite never came so far. */
  readonly wrong: readonly string[]
  readonly minutes: number
}

/** Of vitest's JSON reporter, the fields that are read. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      startTime: z.number(),
      endTime: z.number(),
      assertionResults: z.array(
        z.object({ status: z.string(), title: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
})

/** Reads what vitest wrote of one file; `said` is what it printed, for when it wrote nothing. */
export function parseSuiteResult(json: string, file: string, said: string): SuiteResult {
  const parsed = report.safeParse(toJson(json))
  const found = parsed.data?.testResults.find(({ name }) => name.endsWith(`/${file}`))
  if (found === undefined) return { outcomes: new Map(), wrong: [`the suite wrote no results of ${file}:\n${said}`], minutes: 0 }
  const { status, message, startTime, endTime, assertionResults } = found
  const outcomes = new Map<string, Outcome>()
  const wrong: string[] = []
  for (const { status: word, title, failureMessages } of assertionResults) {
    const outcome = { status: toStatus(word), title, message: (failureMessages ?? []).join('\n') }
    const [, id] = /\[([a-z0-9-]+)\]$/u.exec(title) ?? []
    if (id !== undefined) outcomes.set(id, outcome)
    else if (outcome.status === 'failed') wrong.push(`${title}: ${outcome.message}`)
  }
  // What fails before or after the behaviours is a failure of the file alone.
  const hasFailed = wrong.length > 0 || [...outcomes.values()].some((outcome) => outcome.status === 'failed')
  if (message !== '' || (status !== 'passed' && !hasFailed)) wrong.push(message === '' ? said : message)
  return { outcomes, wrong, minutes: Math.round((endTime - startTime) / 6000) / 10 }
}

function toStatus(word: string): Outcome['status'] {
  if (word === 'passed' || word === 'failed') return word
  return 'left out'
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

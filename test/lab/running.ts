import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { cacheFolder } from './cache.ts'

/** A guest that `pnpm lab start` keeps, as other commands find it. */
export interface RunningGuest {
  readonly name: string
  /** The process that keeps it. */
  readonly owner: number
  readonly folder: string
  readonly port: number
  readonly keyFile: string
}

const schema = z.object({ name: z.string(), owner: z.number(), folder: z.string(), port: z.number(), keyFile: z.string() })

export function runFolder(): string {
  return join(cacheFolder(), 'run')
}

/** The guests whose owner lives. What a killed owner left behind is not among them. */
export function listRunning(): readonly RunningGuest[] {
  const names = ((): readonly string[] => {
    try {
      return readdirSync(runFolder()).filter((name) => name.endsWith('.json'))
    } catch {
      return []
    }
  })()
  return names.flatMap((name) => {
    const parsed = schema.safeParse(readJson(join(runFolder(), name)))
    return parsed.success && isAlive(parsed.data.owner) ? [parsed.data] : []
  })
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

// A number may have been given to another process since: the owner is one that runs lab.ts.
function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lab.ts')
  } catch {
    return false
  }
}

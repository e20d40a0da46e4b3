import * as z from 'zod'

// zod compiles a schema for its second use; an engine is asked once.
const ONCE = { jitless: true }

/** A context of `docker context`: a name, and the address of a daemon. */
export interface DockerContext {
  readonly name: string
  readonly host: string
}

const contextFile = z.object({ Name: z.string(), Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) })
const configFile = z.object({ currentContext: z.string() })

/** `~/.docker/contexts/meta/HASH/meta.json`; `undefined` for what is no such file. */
export function parseContext(text: string): DockerContext | undefined {
  const parsed = contextFile.safeParse(parseJson(text), ONCE)
  return parsed.success ? { name: parsed.data.Name, host: parsed.data.Endpoints.docker.Host } : undefined
}

/** `currentContext` of `~/.docker/config.json`; `undefined` when none is chosen. */
export function parseCurrentContext(text: string): string | undefined {
  const parsed = configFile.safeParse(parseJson(text), ONCE)
  return parsed.success ? parsed.data.currentContext : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

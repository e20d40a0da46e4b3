import type { Container, EngineName, RootlessRuntime } from 'rootless-runtime'

export const IMAGE = 'rootless-load:latest'

/** Where a load runs. */
export interface Ground {
  readonly engine: EngineName
  readonly runtime: RootlessRuntime
}

/** What a load found: problems, and what it did in words. */
export interface Found {
  readonly problems: readonly string[]
  readonly detail: string
}

/** A container that waits, for as long as the work takes. */
export async function withContainer<Value>({ runtime }: Ground, work: (container: Container) => Promise<Value>): Promise<Value> {
  const container = await runtime.containers.run({ image: IMAGE, command: ['sleep', '3600'] })
  try {
    return await work(container)
  } finally {
    await container.remove({ force: true })
  }
}

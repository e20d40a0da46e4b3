import { z } from 'zod'

const engine = z.enum(['docker', 'podman', 'lxc'])

/** One ratio: ours to the floor of the same run. */
export const speedResultSchema = z.object({
  engine,
  title: z.string(),
  oursMs: z.number(),
  floorMs: z.number(),
  ratio: z.number(),
  limit: z.number(),
  rounds: z.number(),
  met: z.boolean(),
})
export type SpeedResult = z.infer<typeof speedResultSchema>

/** One load: what was done, what came of it, and how much it took. */
export const loadResultSchema = z.object({
  engine,
  title: z.string(),
  /** What went wrong; empty when nothing did. */
  problems: z.array(z.string()),
  seconds: z.number(),
  peakMegabytes: z.number(),
  detail: z.string(),
})
export type LoadResult = z.infer<typeof loadResultSchema>

/** What a load may hold in memory at once, in a million bytes. */
export const MOST_MEGABYTES = 150

export const TOOLS = ['ours', 'dockerode', 'testcontainers'] as const
export type Tool = (typeof TOOLS)[number]

/** The same work by each library, in milliseconds. */
export const toolsResultSchema = z.object({
  engine,
  title: z.string(),
  rounds: z.number(),
  milliseconds: z.object({ ours: z.number(), dockerode: z.number(), testcontainers: z.number() }),
})
export type ToolsResult = z.infer<typeof toolsResultSchema>

/** The file that the benchmark writes and docs/benchmarks.md is made of. */
export const benchmarksSchema = z.object({
  measuredAt: z.string(),
  machine: z.object({ node: z.string(), kernel: z.string(), processors: z.number(), processor: z.string() }),
  versions: z.record(z.string(), z.string()),
  speed: z.array(speedResultSchema),
  tools: z.array(toolsResultSchema),
  loads: z.array(loadResultSchema),
})
export type Benchmarks = z.infer<typeof benchmarksSchema>

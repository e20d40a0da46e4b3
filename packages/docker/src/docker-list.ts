import type { Call, ContainerStatus, DriverSummary } from '@rootless-runtime/core'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'

const listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    State: z.string(),
    Status: z.string(),
    Image: z.string(),
    ImageID: z.string(),
    Command: z.string(),
    Created: z.number(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
)

/** Docker's words for the states of a container; one that is being removed, or could not be, has ended. */
const STATUSES: ReadonlyMap<string, ContainerStatus> = new Map([
  ['created', 'created'],
  ['running', 'running'],
  ['restarting', 'running'],
  ['paused', 'paused'],
])

/** Every container with these labels, by one question. */
export async function listContainers(
  client: DockerClient,
  labels: Readonly<Record<string, string>>,
  call: Call,
): Promise<readonly DriverSummary[]> {
  const what = 'listing containers'
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const filters = label.length === 0 ? '' : `&filters=${encodeURIComponent(JSON.stringify({ label }))}`
  const path = `/containers/json?all=1${filters}`
  const reply = await client.ask({ method: 'GET', path, what }, call)
  return parseReply(listed, reply, what).map((entry) => ({
    id: entry.Id,
    name: (entry.Names[0] ?? '').replace(/^\//u, ''),
    status: STATUSES.get(entry.State) ?? 'ended',
    image: entry.Image,
    imageId: entry.ImageID,
    commandLine: entry.Command,
    labels: entry.Labels ?? {},
    createdAt: new Date(entry.Created * 1000),
    exitCode: toExitCode(entry.Status),
  }))
}

/** Docker's list has the exit code in words alone: `Exited (137) 7 minutes ago`. */
export function toExitCode(status: string): number | null {
  const digits = /^Exited \((\d{1,3})\)/u.exec(status)?.[1]
  return digits === undefined ? null : Number(digits)
}

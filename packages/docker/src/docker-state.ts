import { known, RootlessError, unknownFact, type ContainerStatus, type DriverState, type Fact } from '@rootless-runtime/core'
import * as z from 'zod'

const endpoint = z.object({ IPAddress: z.string(), GlobalIPv6Address: z.string().optional() })

/** The fields that we read of `GET /containers/{id}/json`. */
export const containerInspect = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  Path: z.string(),
  Args: z.array(z.string()).nullable(),
  Image: z.string(),
  State: z.object({
    Status: z.string(),
    OOMKilled: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
  }),
  Config: z.object({
    Image: z.string(),
    Labels: z.record(z.string(), z.string()).nullable(),
    Tty: z.boolean(),
    OpenStdin: z.boolean(),
    StopSignal: z.string().optional(),
  }),
  HostConfig: z.object({ NetworkMode: z.string(), Memory: z.number() }),
  Mounts: z.array(z.object({ Destination: z.string(), Source: z.string() })),
  NetworkSettings: z.object({ Networks: z.record(z.string(), endpoint).nullable() }),
})
export type ContainerInspect = z.infer<typeof containerInspect>

/** Docker's states; `restarting` is between two runs, which no container of ours has. */
const STATUSES: ReadonlyMap<string, ContainerStatus> = new Map([
  ['created', 'created'],
  ['running', 'running'],
  ['restarting', 'running'],
  ['paused', 'paused'],
  ['removing', 'ended'],
  ['exited', 'ended'],
  ['dead', 'ended'],
])

/** What Docker says of a container. `watchesMemory`: whether its containers have a cgroup in which a kill for memory is seen. */
export function toDriverState(inspect: ContainerInspect, watchesMemory: boolean): DriverState {
  const { State, Config } = inspect
  const status = toStatus(State.Status)
  const isLive = status === 'running' || status === 'paused'
  return {
    id: inspect.Id,
    name: inspect.Name.replace(/^\//u, ''),
    status,
    image: Config.Image,
    imageId: inspect.Image,
    command: [inspect.Path, ...(inspect.Args ?? [])].filter((word, index) => index > 0 || word !== ''),
    labels: Config.Labels ?? {},
    createdAt: new Date(inspect.Created),
    startedAt: toDate(State.StartedAt),
    endedAt: status === 'ended' ? toEnd(State) : null,
    exitCode: status === 'ended' ? State.ExitCode : null,
    outOfMemory: toOutOfMemory(inspect, watchesMemory),
    pid: isLive && State.Pid > 0 ? State.Pid : null,
    address: toAddress(inspect),
    terminal: Config.Tty,
    stopSignal: Config.StopSignal ?? null,
  }
}

function toStatus(word: string): ContainerStatus {
  const status = STATUSES.get(word)
  if (status !== undefined) return status
  throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `Docker says that a container is ${JSON.stringify(word)}`, {
    engine: 'docker',
    evidence: `State.Status: ${word}`,
  })
}

function toOutOfMemory({ State, HostConfig }: ContainerInspect, watchesMemory: boolean): Fact<boolean> {
  const source = 'docker inspect: State.OOMKilled'
  if (State.OOMKilled) return known(true, source)
  if (!watchesMemory) return unknownFact('Docker uses no cgroup here, so nobody tells it of a kill for memory', source)
  // Docker says no, too, when it hears of the kill after the end (20.10.24 on a busy machine).
  const hasEnded = toStatus(State.Status) === 'ended'
  if (!hasEnded || HostConfig.Memory === 0) return known(false, source)
  return unknownFact('Docker says no, and says so when it hears of a kill too late, too', source)
}

// Docker takes the start from when it was told that the process runs: one that had ended by then seems to end before (20.10.24).
function toEnd({ StartedAt, FinishedAt }: ContainerInspect['State']): Date | null {
  const [startedAt, endedAt] = [toDate(StartedAt), toDate(FinishedAt)]
  return startedAt !== null && endedAt !== null && endedAt < startedAt ? startedAt : endedAt
}

// Go's zero time stands for "never".
function toDate(text: string): Date | null {
  return text === '' || text.startsWith('0001-') ? null : new Date(text)
}

function toAddress({ NetworkSettings }: ContainerInspect): string | null {
  for (const { IPAddress, GlobalIPv6Address = '' } of Object.values(NetworkSettings.Networks ?? {})) {
    if (IPAddress !== '') return IPAddress
    if (GlobalIPv6Address !== '') return GlobalIPv6Address
  }
  return null
}

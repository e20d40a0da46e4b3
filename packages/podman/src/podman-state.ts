import { known, unknownFact, type ContainerStatus, type DriverState, type DriverSummary, type Fact } from '@rootless-runtime/core'
import * as z from 'zod'
import { unreadableError } from './podman-errors.ts'
import { toSignalWord } from './signal-numbers.ts'

/** Podman's words for the state of a container, in ours. One that is being stopped still runs; one that is being removed does not. */
const STATUSES: ReadonlyMap<string, ContainerStatus> = new Map([
  ['configured', 'created'],
  ['created', 'created'],
  ['initialized', 'created'],
  ['running', 'running'],
  ['stopping', 'running'],
  ['paused', 'paused'],
  ['stopped', 'ended'],
  ['exited', 'ended'],
  ['removing', 'ended'],
])

const names = z.array(z.string()).nullish()
const labels = z.record(z.string(), z.string()).nullish()

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.coerce.date(),
  Path: z.string(),
  Args: names,
  Image: z.string(),
  ImageName: z.string(),
  State: z.object({
    Status: z.string(),
    OOMKilled: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    StartedAt: z.coerce.date(),
    FinishedAt: z.coerce.date(),
  }),
  HostsPath: z.string().optional(),
  ExecIDs: names,
  Mounts: z.array(z.object({ Source: z.string(), Destination: z.string() })).nullish(),
  NetworkSettings: z.object({
    Networks: z.record(z.string(), z.object({ IPAddress: z.string() })).nullish(),
  }),
  Config: z.object({
    Tty: z.boolean(),
    OpenStdin: z.boolean(),
    Labels: labels,
    User: z.string(),
    // A number until 5.0, a name since.
    StopSignal: z.union([z.number(), z.string()]),
  }),
  // Until 3.4 here, then in LogConfig.
  LogPath: z.string().optional(),
  HostConfig: z.object({
    NetworkMode: z.string(),
    Memory: z.number(),
    LogConfig: z.object({ Type: z.string(), Path: z.string().optional() }),
  }),
})

const listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Command: names,
    Created: z.coerce.date(),
    StartedAt: z.number(),
    ExitedAt: z.number(),
    ExitCode: z.number(),
    Image: z.string(),
    ImageID: z.string(),
    Labels: labels,
    Pid: z.number(),
    State: z.string(),
  }),
)

/** What Podman says of one container. */
export interface InspectedContainer {
  readonly state: DriverState
  readonly networkMode: string
  /** Whether its command's stdin is open. */
  readonly stdin: boolean
  /** Of the commands inside beside its own. */
  readonly execIds: readonly string[]
  /** The file on the host that is /etc/hosts inside; `null` when it has none. */
  readonly hostsPath: string | null
  /** conmon's file with the log; `null` when the log is elsewhere. */
  readonly logPath: string | null
  /** Paths outside by their paths inside. */
  readonly mounts: ReadonlyMap<string, string>
}

export function parseInspected(json: unknown, what: string, version: string): InspectedContainer {
  const parsed = inspected.safeParse(json)
  if (!parsed.success) throw unreadableError(what, z.prettifyError(parsed.error))
  const { data } = parsed
  const { State, Config } = data
  const status = toStatus(State.Status, what)
  const exitCode = status === 'ended' ? State.ExitCode : null
  return {
    state: {
      id: data.Id,
      name: data.Name,
      status,
      image: data.ImageName,
      imageId: toImageId(data.Image),
      command: [data.Path, ...(data.Args ?? [])].filter((word, index) => index > 0 || word !== ''),
      labels: Config.Labels ?? {},
      createdAt: data.Created,
      startedAt: toMoment(State.StartedAt),
      endedAt: status === 'ended' ? toEnd(State.StartedAt, State.FinishedAt) : null,
      exitCode,
      outOfMemory: judgeOutOfMemory(State.OOMKilled, data.HostConfig.Memory, version),
      pid: isAlive(status) && State.Pid > 0 ? State.Pid : null,
      address: Object.values(data.NetworkSettings.Networks ?? {}).find(({ IPAddress }) => IPAddress !== '')?.IPAddress ?? null,
      terminal: Config.Tty,
      stopSignal: toSignalWord(Config.StopSignal),
    },
    stdin: Config.OpenStdin,
    networkMode: data.HostConfig.NetworkMode,
    hostsPath: data.HostsPath === undefined || data.HostsPath === '' ? null : data.HostsPath,
    execIds: data.ExecIDs ?? [],
    logPath: toLogPath(data.HostConfig.LogConfig.Type, data.HostConfig.LogConfig.Path ?? data.LogPath),
    mounts: new Map((data.Mounts ?? []).map(({ Source, Destination }) => [Destination, Source])),
  }
}

/** What the list does not tell, only inspecting does: the address, a terminal, the stop signal, and a kill for memory. */
export function parseListed(json: unknown, what: string): readonly DriverSummary[] {
  const parsed = listed.safeParse(json ?? [])
  if (!parsed.success) throw unreadableError(what, z.prettifyError(parsed.error))
  return parsed.data.map((each) => {
    const status = toStatus(each.State, what)
    return {
      id: each.Id,
      name: each.Names[0] ?? each.Id,
      status,
      image: each.Image,
      imageId: toImageId(each.ImageID),
      commandLine: (each.Command ?? []).join(' '),
      labels: each.Labels ?? {},
      createdAt: each.Created,
      exitCode: status === 'ended' ? each.ExitCode : null,
    }
  })
}

/**
 * Podman 4.3.1 says `false` of a container whose processes the kernel killed for memory, whatever its exit code; 3.0.1 and 5.4.2
 * say `true`. Whether it ever can happen depends on a limit.
 */
export function judgeOutOfMemory(said: boolean, memoryLimitBytes: number, version: string): Fact<boolean> {
  const source = 'podman inspect: State.OOMKilled'
  if (said || memoryLimitBytes === 0 || !version.startsWith('4.')) return known(said, source)
  return unknownFact(`Podman ${version} says no, and says so of a container that the kernel killed for memory, too`, source)
}

// json-file is another name of it in Podman.
function toLogPath(driver: string, path: string | undefined): string | null {
  const isFile = driver === 'k8s-file' || driver === 'json-file'
  return isFile && path !== undefined && path !== '' ? path : null
}

function toStatus(word: string, what: string): ContainerStatus {
  const status = STATUSES.get(word)
  if (status === undefined) throw unreadableError(what, `a container is ${word}`)
  return status
}

function isAlive(status: ContainerStatus): boolean {
  return status === 'running' || status === 'paused'
}

function toImageId(id: string): string {
  return id === '' || id.startsWith('sha256:') ? id : `sha256:${id}`
}

// Podman takes the end from a file's time, which the kernel keeps to 4 ms: it can seem to be before the start.
function toEnd(startedAt: Date, finishedAt: Date): Date | null {
  return toMoment(new Date(Math.max(startedAt.getTime(), finishedAt.getTime())))
}

// Go's zero time is in the year 1.
function toMoment(date: Date): Date | null {
  return date.getTime() > 0 ? date : null
}

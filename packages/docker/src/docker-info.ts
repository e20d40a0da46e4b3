import { printable } from '@rootless-runtime/core'
import * as z from 'zod'

// zod compiles a schema for its second use; an engine is asked once.
const ONCE = { jitless: true }

const dockerInfo = z.object({
  ServerVersion: z.string().regex(/^\d+\.\d+/u),
  Driver: z.string(),
  DockerRootDir: z.string(),
  SecurityOptions: z.array(z.string()).nullable(),
  CgroupDriver: z.string(),
  // Reported since API 1.41 (20.10).
  CgroupVersion: z.string().optional(),
  MemoryLimit: z.boolean(),
  CpuCfsQuota: z.boolean(),
  PidsLimit: z.boolean().optional(),
  CPUSet: z.boolean(),
  Warnings: z.array(z.string()).nullable().optional(),
  // Docker's own packages have a git commit there, Debian's the version.
  RuncCommit: z.object({ ID: z.string() }).optional(),
})

/** The fields that we read of `GET /info`. Words are Docker's own, made safe to show. */
export interface DockerInfo {
  readonly version: string
  readonly rootless: boolean
  readonly driver: string
  readonly rootDirectory: string
  readonly cgroupDriver: string
  readonly cgroupVersion: string | undefined
  readonly applies: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean; readonly cpuset: boolean }
  readonly warnings: readonly string[]
  /** Its version, or the commit that it was built from. */
  readonly runc: string | undefined
}

const rootlessKitDetails = z.object({ NetworkDriver: z.string().optional(), PortDriver: z.string().optional() })
const dockerVersion = z.object({
  Components: z.array(z.object({ Name: z.string(), Version: z.string(), Details: z.unknown() })),
})

// RootlessKit 1.1.0 and 2.0.2: a driver that it does not have is a key that is not there.
const rootlessKitInfo = z.object({
  version: z.string().optional(),
  networkDriver: z.object({ driver: z.string() }).optional(),
  portDriver: z.object({ driver: z.string() }).optional(),
  stateDir: z.string(),
})

/** RootlessKit's own answer; `null` is a driver that it does not have. */
export interface RootlessKitInfo {
  readonly version: string | null
  readonly networkDriver: string | null
  readonly portDriver: string | null
}

const bridgeNetwork = z.object({ Name: z.literal('bridge'), Options: z.record(z.string(), z.string()).nullable() })

/** `GET /info`, or why it is none. */
export function parseDockerInfo(text: string): DockerInfo | string {
  const parsed = parse(dockerInfo, text)
  if (typeof parsed === 'string') return parsed
  return {
    version: word(parsed.ServerVersion),
    // Options are written `name=seccomp,profile=default`.
    rootless: (parsed.SecurityOptions ?? []).some((option) => option.split(',')[0] === 'name=rootless'),
    driver: word(parsed.Driver),
    rootDirectory: parsed.DockerRootDir,
    cgroupDriver: word(parsed.CgroupDriver),
    cgroupVersion: parsed.CgroupVersion === undefined ? undefined : word(parsed.CgroupVersion),
    applies: {
      memory: parsed.MemoryLimit,
      cpu: parsed.CpuCfsQuota,
      pids: parsed.PidsLimit ?? false,
      cpuset: parsed.CPUSet,
    },
    warnings: (parsed.Warnings ?? []).slice(0, 32).map((line) => printable(line)),
    runc: parsed.RuncCommit === undefined ? undefined : word(parsed.RuncCommit.ID),
  }
}

/** The RootlessKit component of `GET /version`, which Docker lists since 23.0; `null` when it lists none. */
export function parseVersionComponent(text: string): RootlessKitInfo | null {
  const parsed = parse(dockerVersion, text)
  if (typeof parsed === 'string') return null
  const component = parsed.Components.find(({ Name }) => Name === 'rootlesskit')
  const details = rootlessKitDetails.safeParse(component?.Details, ONCE)
  if (component === undefined || !details.success) return null
  const { NetworkDriver, PortDriver } = details.data
  return { version: word(component.Version), networkDriver: orNull(NetworkDriver), portDriver: orNull(PortDriver) }
}

/** `GET /v1/info` of RootlessKit, or why it is none. */
export function parseRootlessKitInfo(text: string): RootlessKitInfo | string {
  const parsed = parse(rootlessKitInfo, text)
  if (typeof parsed === 'string') return parsed
  const { version, networkDriver, portDriver } = parsed
  return { version: orNull(version), networkDriver: orNull(networkDriver?.driver), portDriver: orNull(portDriver?.driver) }
}

/** The MTU of Docker's default bridge, out of `GET /networks/bridge`; `null` when it does not say. */
export function parseBridgeMtu(text: string): number | null {
  const parsed = parse(bridgeNetwork, text)
  if (typeof parsed === 'string') return null
  const mtu = parsed.Options?.['com.docker.network.driver.mtu'] ?? ''
  return /^\d{2,5}$/u.test(mtu) && Number(mtu) >= 68 ? Number(mtu) : null
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> | string {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return `no JSON: ${printable(JSON.stringify(text.slice(0, 80)))}`
  }
  const parsed = schema.safeParse(json, ONCE)
  return parsed.success ? parsed.data : `not what Docker answers: ${printable(z.prettifyError(parsed.error))}`
}

function word(foreign: string): string {
  return printable(foreign, 80)
}

function orNull(foreign: string | undefined): string | null {
  return foreign === undefined || foreign === '' ? null : word(foreign)
}

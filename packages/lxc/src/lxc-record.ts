import { RootlessError, type ContainerPlan, type LimitPlan, type Machine } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'
import { CONTAINER_FILES } from './lxc-messages.ts'
import { parseNote, readNote } from './lxc-notes.ts'
import type { FoundImage, LxcStore, NetworkRequest, RootfsOf } from './lxc-parts.ts'

const VERSION = 1

/** What is kept of a container in its folder: LXC keeps none of it. A secret is never in it. */
export interface LxcRecord {
  readonly version: typeof VERSION
  readonly id: string
  readonly name: string
  /** As it was asked for. */
  readonly image: string
  readonly imageId: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workdir: string
  readonly user: string
  readonly hostname: string
  readonly labels: Readonly<Record<string, string>>
  readonly limits: LimitPlan
  readonly ports: NetworkRequest['ports']
  readonly network: string
  readonly dropCapabilities: readonly string[]
  readonly terminal: boolean
  readonly stdin: boolean
  readonly stopSignal: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly idMaps: readonly IdMap[]
  /** Lines of LXC's configuration that the parts gave; `null` while the container is being made, and for ever when that was cut. */
  readonly lines: readonly string[] | null
}

/** Docker's, for images that say none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The record of a container that is being made. @throws RootlessError `INVALID_ARGUMENT` when there is nothing to run */
export function toRecord(id: string, plan: ContainerPlan, image: FoundImage): LxcRecord {
  const { config } = image
  const entrypoint = plan.entrypoint ?? config.entrypoint
  const command = plan.command ?? (plan.entrypoint === null ? config.command : [])
  if (entrypoint.length + command.length === 0) {
    throw new RootlessError('INVALID_ARGUMENT', `${plan.image} has no command, and none was given`, { engine: 'lxc' })
  }
  const hostname = plan.hostname ?? toHostname(id)
  return {
    version: VERSION,
    id,
    name: plan.name,
    image: plan.image,
    imageId: image.id,
    command: [...entrypoint, ...command],
    environment: {
      PATH: DEFAULT_PATH,
      HOSTNAME: hostname,
      ...(plan.terminal ? { TERM: 'xterm' } : {}),
      ...config.environment,
      ...plan.environment,
    },
    workdir: plan.workdir ?? (config.workdir || '/'),
    user: plan.user ?? config.user,
    hostname,
    labels: { ...config.labels, ...plan.labels },
    limits: plan.limits,
    ports: plan.ports,
    network: plan.network,
    dropCapabilities: plan.dropCapabilities,
    terminal: plan.terminal,
    stdin: plan.stdin,
    stopSignal: plan.stopSignal ?? config.stopSignal,
    createdAt: Date.now(),
    idMaps: [],
    lines: null,
  }
}

/** What a container is called inside unless told: as much of its id as Docker takes. */
export function toHostname(id: string): string {
  return id.slice(0, 12)
}

/** The record in a container's folder; `null` when there is no container. @throws RootlessError `HOST_REFUSED` */
export async function readRecord(machine: Machine, folder: string): Promise<LxcRecord | null> {
  const note = await readNote(machine, `${folder}/${CONTAINER_FILES.record}`)
  return note !== null && isRecord(note) ? note : null
}

export function parseRecordText(text: string): LxcRecord | null {
  const note = parseNote(text)
  return note !== null && isRecord(note) ? note : null
}

export async function writeRecord(machine: Machine, folder: string, record: LxcRecord): Promise<void> {
  await machine.files.write(`${folder}/${CONTAINER_FILES.record}`, JSON.stringify(record))
}

// Only we write it, in one piece, and nobody else may write there: the version says the rest.
function isRecord(note: object): note is LxcRecord {
  return 'version' in note && note.version === VERSION && 'lines' in note && (note.lines === null || Array.isArray(note.lines))
}

export function toNetworkRequest(store: LxcStore, record: LxcRecord): NetworkRequest {
  const { id, name, hostname, ports, network } = record
  return { id, name, hostname, ports, network, containerFolder: store.containerFolder(id) }
}

export function toRootfsOf(store: LxcStore, record: LxcRecord, pid: number | null): RootfsOf {
  const { id, imageId, idMaps } = record
  return { id, imageId, idMaps, pid, containerFolder: store.containerFolder(id) }
}

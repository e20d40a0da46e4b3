import {
  isAtLeastVersion,
  RootlessError,
  SECRETS_TARGET,
  type ContainerPlan,
  type LimitPlan,
  type MountOptions,
} from '@rootless-runtime/core'
import { toSignalNumber } from './signal-numbers.ts'

/** How the ids inside map to those outside, when not as Podman does by itself. */
export interface IdMapping {
  readonly containerId: number
  readonly hostId: number
  readonly size: number
}

/** What the body needs beside the plan. */
export interface CreateContext {
  readonly version: string
  /** `null`: Podman's own, in which root inside is the caller. */
  readonly uidMap: readonly IdMapping[] | null
  readonly gidMap: readonly IdMapping[] | null
  /** The folder outside with the secrets; `null` without any. */
  readonly secretsFolder: string | null
}

/** `POST /libpod/containers/create`: the SpecGenerator of pkg/specgen, in which what is not given is the engine's default. */
export function toCreateBody(plan: ContainerPlan, context: CreateContext): Readonly<Record<string, unknown>> {
  if (plan.entrypoint?.length === 0 && (plan.command === null || plan.command.length === 0))
    throw new RootlessError('INVALID_ARGUMENT', `${plan.name} has neither an entrypoint nor a command`, { engine: 'podman' })
  return defined({
    name: plan.name,
    image: plan.image,
    entrypoint: plan.entrypoint,
    command: plan.command,
    env: plan.environment,
    work_dir: plan.workdir,
    user: plan.user,
    hostname: plan.hostname,
    labels: plan.labels,
    terminal: plan.terminal,
    stdin: plan.stdin,
    stop_signal: plan.stopSignal === null ? null : toSignalNumber(plan.stopSignal),
    read_only_filesystem: plan.readOnlyRoot,
    cap_drop: plan.dropCapabilities,
    no_new_privileges: true,
    resource_limits: toResources(plan.limits),
    portmappings: plan.ports.map(({ container, host, protocol, address }) => ({
      container_port: container,
      host_port: host,
      host_ip: address,
      protocol,
    })),
    ...toNetwork(plan.network, context.version),
    ...toMounts(plan, context),
    ...toIdMappings(context),
    // Without systemd Podman never runs one, and its state would stay `starting`; ours is run by us.
    healthconfig: { Test: ['NONE'] },
    // The journal drops lines of a busy container, and cannot keep bytes.
    log_configuration: { driver: 'k8s-file' },
    // Podman would mount a tmpfs over half of the file system for a command called init.
    systemd: 'false',
    sdnotifyMode: 'ignore',
  })
}

function toResources(limits: LimitPlan): Readonly<Record<string, unknown>> | null {
  const { memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight } = limits
  const resources = defined({
    // `swap` is memory and swap together.
    memory: memoryBytes === null ? null : { limit: memoryBytes, swap: memoryBytes + (swapBytes ?? 0) },
    cpu: toCpu(cpus, cpuset),
    pids: pids === null ? null : { limit: pids },
    blockIO: ioWeight === null ? null : { weight: ioWeight },
  })
  return Object.keys(resources).length === 0 ? null : resources
}

const CPU_PERIOD_MICROSECONDS = 100_000

function toCpu(cpus: number | null, cpuset: string | null): Readonly<Record<string, unknown>> | null {
  if (cpus === null && cpuset === null) return null
  const quota = cpus === null ? {} : { period: CPU_PERIOD_MICROSECONDS, quota: Math.round(cpus * CPU_PERIOD_MICROSECONDS) }
  return { ...quota, ...(cpuset === null ? {} : { cpus: cpuset }) }
}

function toNetwork(network: string, version: string): Readonly<Record<string, unknown>> {
  // No netns is the engine's default: slirp4netns, since 5.0 pasta.
  if (network === 'default') return {}
  if (network === 'none' || network === 'host') return { netns: { nsmode: network } }
  const joined = isAtLeastVersion(version, 4, 0) ? { Networks: { [network]: {} } } : { cni_networks: [network] }
  return { netns: { nsmode: 'bridge' }, ...joined }
}

function toMounts(
  { mounts, secrets }: ContainerPlan,
  { secretsFolder: folder, version }: CreateContext,
): Readonly<Record<string, unknown>> {
  const names = folder === null ? [] : Object.keys(secrets)
  return {
    mounts: [
      ...mounts.flatMap(toMount),
      ...names.map((name) => toSecret(`${folder}/${name}`, `${SECRETS_TARGET}/${name}`, version)),
    ],
    volumes: mounts.flatMap((mount) =>
      mount.kind === 'volume' ? [{ Name: mount.volume, Dest: mount.target, Options: [mount.access ?? 'rw'] }] : [],
    ),
  }
}

function toMount(mount: MountOptions): readonly unknown[] {
  if (mount.kind === 'volume') return []
  if (mount.kind === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`]
    // As Docker mounts one; what the image has there is not copied into it.
    const options = ['rw', 'nosuid', 'nodev', 'noexec', 'mode=1777', 'notmpcopyup', ...size]
    return [{ type: 'tmpfs', source: 'tmpfs', destination: mount.target, options }]
  }
  return [toBind(mount.source, mount.target, mount.access ?? 'ro')]
}

function toBind(source: string, target: string, access: 'ro' | 'rw'): unknown {
  return { type: 'bind', source, destination: target, options: ['rbind', 'rprivate', access] }
}

/** `U` gives the file to the container's user, and that user alone may read it. One by one: the folder must stay the caller's. */
function toSecret(source: string, target: string, version: string): unknown {
  const owner = canGiveFiles(version) ? ['U'] : []
  return { type: 'bind', source, destination: target, options: ['rbind', 'rprivate', 'ro', ...owner] }
}

/** Whether a mount can be given to the container's user: 3.0.1 says `unknown mount option "U"`, 4.3.1 can. */
export function canGiveFiles(version: string): boolean {
  return isAtLeastVersion(version, 4, 0)
}

function toIdMappings({ uidMap, gidMap }: CreateContext): Readonly<Record<string, unknown>> {
  if (uidMap === null || gidMap === null) return {}
  return {
    userns: { nsmode: 'private' },
    idmappings: { UIDMap: uidMap.map(toGo), GIDMap: gidMap.map(toGo), HostUIDMapping: false, HostGIDMapping: false },
  }
}

function toGo({ containerId, hostId, size }: IdMapping): unknown {
  return { container_id: containerId, host_id: hostId, size }
}

/** Without what is `null`: Go reads an absent field as "not given", and some of its types no `null`. */
function defined(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined))
}

import { SECRETS_TARGET, type ContainerPlan, type LimitPlan, type MountOptions, type PublishedPort } from '@rootless-runtime/core'

// json-file, Docker's default, writes JSON, in which bytes that are no UTF-8 are lost; `local` keeps them, in half the space. It would
// drop the oldest lines of 100 MB, and compress them: no line is lost here.
const LOG = { Type: 'local', Config: { 'max-size': '1000g', 'max-file': '2', compress: 'false' } }

/** The body of `POST /containers/create`. `secretsFolder`: the folder outside with its secrets. */
export function toCreateBody(plan: ContainerPlan, secretsFolder: string | null): Readonly<Record<string, unknown>> {
  return {
    Image: plan.image,
    ...(plan.entrypoint && { Entrypoint: toEntrypoint(plan.entrypoint) }),
    ...(plan.command && { Cmd: plan.command }),
    Env: Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`),
    ...(plan.workdir !== null && { WorkingDir: plan.workdir }),
    ...(plan.user !== null && { User: plan.user }),
    ...(plan.hostname !== null && { Hostname: plan.hostname }),
    ...(plan.stopSignal !== null && { StopSignal: plan.stopSignal }),
    Labels: plan.labels,
    Tty: plan.terminal,
    OpenStdin: plan.stdin,
    // Docker closes the command's stdin when the first client that wrote to it is gone.
    StdinOnce: plan.stdin,
    // The image's would be run by Docker, at its own pace; ours is run when it is asked for, on every engine alike.
    Healthcheck: { Test: ['NONE'] },
    ExposedPorts: Object.fromEntries(plan.ports.map((port) => [toPortKey(port), {}])),
    HostConfig: toHostConfig(plan, secretsFolder),
  }
}

// moby's mergeAndVerifyConfig: `[""]` removes the image's entrypoint and its command; `[]` leaves the command.
function toEntrypoint(entrypoint: readonly string[]): readonly string[] {
  return entrypoint.length === 0 ? [''] : entrypoint
}

function toHostConfig(plan: ContainerPlan, secretsFolder: string | null): Readonly<Record<string, unknown>> {
  const secrets: readonly MountOptions[] = secretsFolder === null ? [] : [{ source: secretsFolder, target: SECRETS_TARGET }]
  return {
    NetworkMode: plan.network,
    PortBindings: toPortBindings(plan.ports),
    Mounts: [...plan.mounts, ...secrets].map(toMount),
    ReadonlyRootfs: plan.readOnlyRoot,
    CapDrop: plan.dropCapabilities,
    SecurityOpt: ['no-new-privileges'],
    LogConfig: LOG,
    ...toLimits(plan.limits),
  }
}

function toLimits(limits: LimitPlan): Readonly<Record<string, unknown>> {
  const { memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight } = limits
  return {
    // MemorySwap counts both together. Docker would double the memory when it is told nothing.
    ...(memoryBytes !== null && { Memory: memoryBytes, MemorySwap: memoryBytes + (swapBytes ?? 0) }),
    ...(cpus !== null && { NanoCpus: Math.round(cpus * 1e9) }),
    ...(pids !== null && { PidsLimit: pids }),
    ...(cpuset !== null && { CpusetCpus: cpuset }),
    ...(ioWeight !== null && { BlkioWeight: ioWeight }),
  }
}

function toPortKey({ container, protocol }: PublishedPort): string {
  return `${container}/${protocol}`
}

function toPortBindings(ports: readonly PublishedPort[]): Readonly<Record<string, unknown>> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const port of ports) {
    const binding = { HostIp: port.address, HostPort: String(port.host) }
    bindings[toPortKey(port)] = [...(bindings[toPortKey(port)] ?? []), binding]
  }
  return bindings
}

function toMount(mount: MountOptions): Readonly<Record<string, unknown>> {
  const { target, kind } = mount
  if (kind === 'tmpfs') {
    const { sizeBytes } = mount
    return { Type: 'tmpfs', Target: target, ...(sizeBytes !== undefined && { TmpfsOptions: { SizeBytes: sizeBytes } }) }
  }
  if (kind === 'volume') return { Type: 'volume', Source: mount.volume, Target: target, ReadOnly: mount.access === 'ro' }
  return { Type: 'bind', Source: mount.source, Target: target, ReadOnly: mount.access !== 'rw' }
}

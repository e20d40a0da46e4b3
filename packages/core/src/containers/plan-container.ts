import { RootlessError } from '../errors.ts'
import type { Machine } from '../system.ts'
import {
  checkCapability,
  checkCommand,
  checkEnvironment,
  checkName,
  checkPath,
  checkText,
  checkUser,
  checkWhole,
  invalid,
  isImageName,
} from './check-words.ts'
import type { ContainerPlan } from './driver.ts'
import type { ContainerOptions, Healthcheck, MountOptions } from './options.ts'
import { LABEL_PREFIX } from './owner.ts'
import { checkLimits } from './plan-limits.ts'
import { checkPorts, type AskedPort } from './plan-ports.ts'
import { toSignalName } from './signals.ts'

/** A container as asked, checked and with defaults, before the host was looked at. */
export interface AskedContainer {
  readonly plan: Omit<ContainerPlan, 'ports'>
  readonly ports: readonly AskedPort[]
  readonly healthcheck: Healthcheck | null
}

/** Docker keeps the labels of a container in one JSON file; this bounds it. */
const MOST_LABEL_CHARACTERS = 262_144
const MOST_SECRET_BYTES = 512_000

/** Checks every option without asking anybody. @throws RootlessError `INVALID_ARGUMENT` */
export function checkContainerOptions(options: ContainerOptions): AskedContainer {
  const network = checkNetwork(options.network ?? 'default')
  const plan = {
    name: options.name === undefined ? `rootless-${crypto.randomUUID().slice(0, 13)}` : checkName('name', options.name),
    image: checkImage(options.image),
    entrypoint: options.entrypoint === undefined ? null : checkCommand('entrypoint', options.entrypoint),
    command: options.command === undefined || options.command.length === 0 ? null : checkCommand('command', options.command),
    environment: checkEnvironment('environment', options.environment ?? {}),
    workdir: options.workdir === undefined ? null : checkPath('workdir', options.workdir, { root: true }),
    user: options.user === undefined ? null : checkUser(options.user),
    hostname: options.hostname === undefined ? null : checkHostname(options.hostname),
    labels: checkLabels(options.labels ?? {}),
    limits: checkLimits(options.limits),
    network,
    mounts: checkMounts(options.mounts ?? []),
    readOnlyRoot: options.readOnlyRoot ?? false,
    dropCapabilities: (options.dropCapabilities ?? []).map(checkCapability),
    secrets: checkSecrets(options.secrets ?? {}),
    terminal: options.terminal ?? false,
    stdin: options.stdin ?? false,
    stopSignal: options.stopSignal === undefined ? null : toSignalName(options.stopSignal),
  }
  return { plan, ports: checkPorts(options.ports, network), healthcheck: checkHealthcheck(options.healthcheck) }
}

function checkImage(image: string): string {
  if (!isImageName(checkText('image', image))) throw invalid('image', image, 'it is a reference or an id of an image')
  return image
}

function checkNetwork(network: string): string {
  return network === 'default' || network === 'none' || network === 'host' ? network : checkName('network', network)
}

function checkHostname(hostname: string): string {
  if (!/^(?=.{1,63}$)[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/u.test(hostname)) {
    throw invalid('hostname', hostname, 'it has at most 63 letters, digits, "." and "-"')
  }
  return hostname
}

function checkLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let characters = 0
  for (const [name, value] of Object.entries(labels)) {
    if (name === '') throw invalid('labels', name, 'a label has a name')
    if (name.startsWith(LABEL_PREFIX)) throw invalid('labels', name, `labels that begin with ${LABEL_PREFIX} are this library's`)
    characters += checkText('labels', name).length + checkText('labels', value).length
  }
  if (characters > MOST_LABEL_CHARACTERS)
    throw invalid('labels', `${characters} characters`, `they have at most ${MOST_LABEL_CHARACTERS}`)
  return labels
}

function checkSecrets(secrets: Readonly<Record<string, string | Uint8Array>>): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, content]) => {
      if (!/^[\w.-]{1,128}$/u.test(name) || /^\.+$/u.test(name)) throw invalid('secrets', name, 'it is the name of a file')
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
      if (bytes.length > MOST_SECRET_BYTES) throw invalid('secrets', name, `a secret has at most ${MOST_SECRET_BYTES} bytes`)
      return [name, bytes]
    }),
  )
}

function checkHealthcheck(healthcheck: Healthcheck | undefined): Healthcheck | null {
  if (healthcheck === undefined) return null
  if (healthcheck.command.length === 0) throw invalid('healthcheck.command', '', 'it has a word at least')
  checkCommand('healthcheck.command', healthcheck.command)
  checkWhole('healthcheck.intervalMs', healthcheck.intervalMs ?? 1000, [10, 3_600_000], 'milliseconds')
  checkWhole('healthcheck.timeoutMs', healthcheck.timeoutMs ?? 5000, [10, 3_600_000], 'milliseconds')
  return healthcheck
}

function checkMounts(mounts: readonly MountOptions[]): readonly MountOptions[] {
  const checked = mounts.map(checkMount)
  const targets = checked.map(({ target }) => target)
  const twice = targets.find((target, index) => targets.indexOf(target) !== index)
  if (twice !== undefined) throw invalid('mounts.target', twice, 'something is mounted there already')
  return checked
}

function checkMount(mount: MountOptions): MountOptions {
  const target = checkPath('mounts.target', mount.target, { root: false })
  if (mount.kind === 'volume') return { ...mount, target, volume: checkName('mounts.volume', mount.volume) }
  if (mount.kind !== 'tmpfs')
    return { ...mount, kind: 'host', target, source: checkPath('mounts.source', mount.source, { root: false }) }
  if (mount.sizeBytes !== undefined) checkWhole('mounts.sizeBytes', mount.sizeBytes, [4096, Number.MAX_SAFE_INTEGER], 'bytes')
  return { ...mount, target }
}

/**
 * Sees that what is to be mounted is there. A socket is refused: the socket of an engine in a container is root over every container
 * of this user, and no container of ours ever gets one.
 *
 * @throws RootlessError `MOUNT_NOT_FOUND`, `INVALID_ARGUMENT`
 */
export async function checkMountSources(mounts: readonly MountOptions[], machine: Machine): Promise<void> {
  for (const mount of mounts) {
    if (mount.kind !== 'host') continue
    const status = await machine.status(mount.source)
    if (status.status !== 'ok')
      throw new RootlessError('MOUNT_NOT_FOUND', `what is to be mounted cannot be used: ${status.reason}`)
    const { kind } = status.value
    if (kind !== 'file' && kind !== 'directory')
      throw invalid('mounts.source', mount.source, `it is a ${kind}; files and folders are mounted`)
  }
}

import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'
import { checkCommand, checkEnvironment, checkPath, checkUser, invalid } from './check-words.ts'
import { collectOutput } from './collect-output.ts'
import type { Call, Container } from './container.ts'
import type { ContainerState, ContainerSummary, HealthAnswer, LimitVerdict } from './container-state.ts'
import { packPath } from './copy.ts'
import type { ContainerDriver, DriverContext, DriverState, DriverSummary, ExecPlan } from './driver.ts'
import { removeByForce, stopContainer } from './end-container.ts'
import { hasCode, throwIfAborted, unlessAborted } from './ending.ts'
import type { ExecOptions, Healthcheck } from './options.ts'
import { readStats } from './read-stats.ts'
import { parseRecord, RECORD_LABEL, type ContainerRecord } from './record.ts'
import { toRootOwnedTar } from './root-owned-tar.ts'
import { toSignalName } from './signals.ts'
import { startContainer, type Starting } from './start-container.ts'
import { verifyLimits } from './verify-limits.ts'
import { waitFor } from './wait-for.ts'

/** One container of a driver, with every rule that is the same on all engines. */
export async function createContainer(driver: ContainerDriver, context: DriverContext, state: DriverState): Promise<Container> {
  const { id, name } = state
  const record = parseRecord(state.labels[RECORD_LABEL])
  let limits: readonly LimitVerdict[] = [...record.refused, ...(await verifyLimits(context.machine, state.pid, record.limits))]
  const container: Container = {
    engine: driver.engine,
    id,
    name,
    get limits() {
      return limits
    },
    start: async (call = {}) => {
      const seen = await startContainer({ driver, context, id, record }, call)
      if (seen !== null) limits = seen
    },
    ...toQuestions({ driver, context, id, record }),
    ...toActions({ driver, context, id, record }),
    exec: async (command, options = {}) => {
      throwIfAborted(options.signal)
      const opening = driver.exec(id, toExecPlan(command, options, options.input !== undefined), toCall(options))
      return await collectOutput(await unlessAborted(opening, options.signal), options, options.signal)
    },
    waitFor: async (condition, options = {}) => {
      const healthIntervalMs = record.healthcheck?.intervalMs ?? DEFAULT_HEALTH_INTERVAL_MS
      await waitFor({ container, machine: context.machine, healthIntervalMs }, condition, options)
    },
    health: (call = {}) => askHealth(container, record.healthcheck, call),
    [Symbol.asyncDispose]: () => removeByForce(driver, id),
  }
  return container
}

type Questions = Pick<Container, 'inspect' | 'logs' | 'stats' | 'wait' | 'port' | 'hostAddress' | 'copyOut'>

function toQuestions({ driver, context, id, record }: Starting): Questions {
  return {
    inspect: async (call = {}) => toContainerState(await driver.inspect(id, call), record),
    logs: (options = {}) => driver.logs(id, options),
    stats: async (call = {}) => {
      const { pid, name } = await driver.inspect(id, call)
      if (pid === null) throw new RootlessError('NOT_RUNNING', `${name} does not run`, { engine: driver.engine })
      return await readStats(context.machine, pid, { ownNetwork: record.network !== 'host' })
    },
    wait: async (call = {}) => {
      const exitCode = await unlessAborted(driver.wait(id, call), call.signal)
      return { exitCode, outOfMemory: (await driver.inspect(id, call)).outOfMemory }
    },
    port: (containerPort, protocol = 'tcp') => {
      const found = record.ports.find((port) => port.container === containerPort && port.protocol === protocol)
      if (found === undefined) throw invalid('port', `${containerPort}/${protocol}`, 'the container does not publish it')
      return found
    },
    hostAddress: (call = {}) => driver.hostAddress(id, call),
    copyOut: async (path, call = {}) => await driver.copyOut(id, checkPath('copyOut', path, { root: true }), call),
  }
}

type Actions = Pick<Container, 'attach' | 'open' | 'stop' | 'kill' | 'pause' | 'resume' | 'remove' | 'copyIn' | 'commit'>

function toActions({ driver, context, id }: Starting): Actions {
  return {
    attach: (call = {}) => driver.attach(id, call),
    open: async (command, options = {}) => await driver.exec(id, toExecPlan(command, options, true), toCall(options)),
    stop: (options = {}) => stopContainer(driver, id, options),
    kill: async (signal = 'SIGKILL', call = {}) => await driver.kill(id, toSignalName(signal), call),
    pause: (call = {}) => driver.pause(id, call),
    resume: (call = {}) => driver.resume(id, call),
    remove: (options = {}) => removeContainer(driver, id, options),
    copyIn: async (source, targetFolder, call = {}) => {
      const target = checkPath('copyIn', targetFolder, { root: true })
      const tar = typeof source === 'string' ? packPath(context.machine, source, call.signal) : toRootOwnedTar(source)
      await driver.copyIn(id, tar, target, call)
    },
    commit: (reference, call = {}) => driver.commit(id, reference, call),
  }
}

async function removeContainer(
  driver: ContainerDriver,
  id: string,
  { force = false, signal }: Call & { readonly force?: boolean },
): Promise<void> {
  if (force) return await removeByForce(driver, id, signal)
  try {
    const call = signal === undefined ? {} : { signal }
    const { status, name } = await driver.inspect(id, call)
    if (status === 'running' || status === 'paused') {
      throw new RootlessError('STILL_RUNNING', `${name} is ${status}: stop it first, or remove it with force`, {
        engine: driver.engine,
      })
    }
    await driver.remove(id, call)
  } catch (error) {
    if (!hasCode(error, 'CONTAINER_NOT_FOUND')) throw error
  }
}

function toExecPlan(command: readonly string[], options: ExecOptions, stdin: boolean): ExecPlan {
  if (command.length === 0) throw invalid('command', '', 'it has a word at least')
  return {
    command: checkCommand('command', command),
    environment: checkEnvironment('environment', options.environment ?? {}),
    workdir: options.workdir === undefined ? null : checkPath('workdir', options.workdir, { root: true }),
    user: options.user === undefined ? null : checkUser(options.user),
    terminal: options.terminal ?? false,
    stdin,
  }
}

function toCall({ signal }: ExecOptions): Call {
  return signal === undefined ? {} : { signal }
}

const DEFAULT_HEALTH_MS = 5000
const DEFAULT_HEALTH_INTERVAL_MS = 1000

async function askHealth(container: Container, healthcheck: Healthcheck | null, { signal }: Call): Promise<HealthAnswer> {
  throwIfAborted(signal)
  if (healthcheck === null) return { status: 'unknown', reason: `${container.name} has no healthcheck` }
  const patience = AbortSignal.timeout(healthcheck.timeoutMs ?? DEFAULT_HEALTH_MS)
  try {
    const both = signal === undefined ? patience : AbortSignal.any([signal, patience])
    const { exitCode, stdout, stderr } = await container.exec(healthcheck.command, { signal: both })
    if (exitCode === 0) return { status: 'healthy' }
    return { status: 'unhealthy', reason: `exit code ${exitCode}: ${printable(stderr || stdout) || 'it said nothing'}` }
  } catch (error) {
    throwIfAborted(signal)
    if (patience.aborted) return { status: 'unhealthy', reason: 'no answer within its time limit' }
    if (hasCode(error, 'COMMAND_NOT_FOUND', 'COMMAND_NOT_EXECUTABLE')) return { status: 'unhealthy', reason: String(error) }
    throw error
  }
}

/** What is known of a container: what its engine says, and what we noted when we made it. */
function toContainerState(state: DriverState, { ports, network, mounts }: ContainerRecord): ContainerState {
  const {
    id,
    name,
    status,
    image,
    imageId,
    command,
    labels,
    createdAt,
    startedAt,
    endedAt,
    exitCode,
    outOfMemory,
    pid,
    terminal,
  } = state
  const said = {
    id,
    name,
    status,
    image,
    imageId,
    command,
    labels,
    createdAt,
    startedAt,
    endedAt,
    exitCode,
    outOfMemory,
    pid,
    terminal,
  }
  return { ...said, ports, network: { name: network, address: state.address }, mounts }
}

/** A container of a list, with what we noted when we made it. */
export function toContainerSummary(listed: DriverSummary): ContainerSummary {
  const { ports, network } = parseRecord(listed.labels[RECORD_LABEL])
  const { id, name, status, image, imageId, commandLine, labels, createdAt, exitCode } = listed
  return { id, name, status, image, imageId, commandLine, labels, createdAt, exitCode, ports, network }
}

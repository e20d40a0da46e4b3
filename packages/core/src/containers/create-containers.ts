import { RootlessError } from '../errors.ts'
import { collectOutput } from './collect-output.ts'
import type { Call, Container, Containers, RunResult, RunToEndOptions } from './container.ts'
import type { ContainerDriver, ContainerPlan, DriverContext, LimitPlan } from './driver.ts'
import { createContainer, toContainerSummary } from './create-container.ts'
import { removeByForce } from './end-container.ts'
import { hasCode, throwIfAborted, toAborted } from './ending.ts'
import type { ContainerOptions } from './options.ts'
import { isSilence, isUncertain, type Leftovers } from './leftovers.ts'
import { CREATION_LABEL, MANAGED_LABEL, OWNER_LABEL, readOwner, toOwnerLabel } from './owner.ts'
import { checkContainerOptions, checkMountSources } from './plan-container.ts'
import { askedFields, judgeAskedLimits, toNotEnforced, type JudgedLimits } from './plan-limits.ts'
import { resolvePorts } from './plan-ports.ts'
import { RECORD_LABEL, type ContainerRecord } from './record.ts'
import { sweepContainers } from './sweep.ts'
import { tellGone, type AnsweredAt } from './tell-gone.ts'

/** How often other free ports are chosen when somebody was faster. */
const PORT_TRIES = 3

/** The containers of an engine: its driver, and the rules that are the same on all engines. */
export function createContainers(
  driver: ContainerDriver,
  context: DriverContext,
  leftovers: Leftovers,
  answeredAtMs?: AnsweredAt,
): Containers {
  const open = async (id: string, call: Call): Promise<Container> =>
    tellGone(await createContainer(driver, context, await driver.inspect(id, call)), answeredAtMs)
  const running = { driver, context, open, leftovers }
  const containers: Containers = {
    create: async (options, call = {}) => {
      const id = await makeContainer(running, options, call)
      try {
        return await open(id, call)
      } catch (error) {
        await removeAfter(running, id, error)
        throw error
      }
    },
    run: (options, call = {}) => run(running, options, call),
    runToEnd: (options) => runToEnd(running, options),
    get: (nameOrId, call = {}) => open(nameOrId, call),
    list: async ({ everyone = false, labels = {}, signal } = {}) => {
      const wanted = everyone ? labels : { ...labels, [MANAGED_LABEL]: 'true' }
      return (await driver.list(wanted, signal === undefined ? {} : { signal })).map(toContainerSummary)
    },
    events: (call = {}) => driver.events(call),
    sweep: async (call = {}) => {
      const left = await leftovers.remove(call)
      const { removed, failed } = await sweepContainers(driver, context.machine, call)
      return { removed: [...left.removed, ...removed], failed: [...left.failed, ...failed] }
    },
  }
  return tellGone(containers, answeredAtMs)
}

interface Running {
  readonly driver: ContainerDriver
  readonly context: DriverContext
  readonly open: (id: string, call: Call) => Promise<Container>
  readonly leftovers: Leftovers
}

async function makeContainer(running: Running, options: ContainerOptions, call: Call): Promise<string> {
  const { driver, context, leftovers } = running
  throwIfAborted(call.signal)
  // They may have the name that is wanted. What cannot be removed is told by what comes next, or by a sweep.
  await leftovers.remove(call)
  const { plan, ports: askedPorts, healthcheck } = checkContainerOptions(options)
  await checkMountSources(plan.mounts, context.machine)
  const limits = await judgeLimits(driver, context, plan.limits, options)
  const owner = options.owner === 'nobody' ? null : await readOwner(context.machine)
  for (let tries = 1; ; tries += 1) {
    const ports = await resolvePorts(askedPorts, { machine: context.machine, engine: driver.engine })
    const record: ContainerRecord = {
      ports,
      network: plan.network,
      mounts: plan.mounts,
      limits: limits.plan,
      refused: limits.refused,
      healthcheck,
      mayWarn: options.limits?.ifUnenforceable === 'warn',
    }
    const ours = { [MANAGED_LABEL]: 'true', [OWNER_LABEL]: toOwnerLabel(owner), [RECORD_LABEL]: JSON.stringify(record) }
    try {
      return await makeOne(running, { ...plan, ports, limits: limits.plan, labels: { ...plan.labels, ...ours } }, call)
    } catch (error) {
      // Somebody else took a port between our choosing and the engine's listening; a port of the caller's stays as it was asked.
      if (!hasCode(error, 'PORT_IN_USE') || tries === PORT_TRIES || !askedPorts.every(({ chosen }) => chosen)) throw error
    }
  }
}

async function makeOne(running: Running, given: ContainerPlan, call: Call): Promise<string> {
  const { driver, leftovers } = running
  const [creation, since] = [crypto.randomUUID(), new Date()]
  const { name } = given
  const plan = { ...given, labels: { ...given.labels, [CREATION_LABEL]: creation } }
  const id = await driver.create(plan, call).catch((error: unknown) => {
    const remove = (later: Call): Promise<boolean> => discard(driver, { name, creation, since }, later)
    if (isUncertain(error)) leftovers.add({ name, remove, mayComeLater: isSilence(error) })
    throw error
  })
  if (call.signal?.aborted !== true) return id
  const aborted = toAborted(call.signal)
  await removeAfter(running, id, aborted)
  throw aborted
}

interface CutCreation {
  readonly name: string
  readonly creation: string
  readonly since: Date
}

/** Whatever has come of a creation, which may be several containers: some engines need another one to make one. */
async function discard(driver: ContainerDriver, { name, creation, since }: CutCreation, call: Call): Promise<boolean> {
  const found = await driver.list({ [CREATION_LABEL]: creation }, call)
  for (const { id } of found) await removeByForce(driver, id, call.signal)
  await driver.discardUnlisted?.(name, since, call)
  return found.length > 0
}

async function judgeLimits(
  driver: ContainerDriver,
  context: DriverContext,
  asked: LimitPlan,
  { limits }: ContainerOptions,
): Promise<JudgedLimits> {
  if (askedFields(asked).length === 0) return { plan: asked, refused: [] }
  const findings = (await context.capabilities()).cgroup.limits
  const judged = judgeAskedLimits(asked, findings)
  if (judged.refused.length > 0 && limits?.ifUnenforceable !== 'warn')
    throw toNotEnforced(driver.engine, judged.refused, findings)
  return judged
}

async function run(running: Running, options: ContainerOptions, call: Call): Promise<Container> {
  const onlyChosen = (options.ports ?? []).every(({ host }) => host === undefined)
  for (let tries = 1; ; tries += 1) {
    const id = await makeContainer(running, options, call)
    try {
      const container = await running.open(id, call)
      await container.start(call)
      throwIfAborted(call.signal)
      return container
    } catch (error) {
      await removeAfter(running, id, error)
      if (!hasCode(error, 'PORT_IN_USE') || tries === PORT_TRIES || !onlyChosen) throw error
    }
  }
}

/** What failed is told; that its rest could not be removed, too. */
async function removeAfter({ driver, leftovers }: Running, id: string, error: unknown): Promise<void> {
  try {
    await removeByForce(driver, id)
  } catch (left) {
    // An engine that is gone cannot remove anything: the next call that makes a container does, or a sweep, when it is back.
    if (isUncertain(left)) {
      const remove = ({ signal }: Call): Promise<boolean> => removeByForce(driver, id, signal).then(() => true)
      return leftovers.add({ name: id, remove, mayComeLater: false })
    }
    const why = error instanceof Error ? error.message : String(error)
    throw new RootlessError('ENGINE_REFUSED', `${why}; and the container ${id} could not be removed: ${String(left)}`, {
      engine: driver.engine,
      cause: error,
    })
  }
}

async function runToEnd(running: Running, options: ContainerOptions & RunToEndOptions): Promise<RunResult> {
  const { driver, open } = running
  const { input, maximumOutputBytes, signal, ...rest } = options
  const call = signal === undefined ? {} : { signal }
  const stdin = input !== undefined
  const id = await makeContainer(running, { ...rest, stdin }, call)
  try {
    const container = await open(id, call)
    const process = await container.attach(call)
    process.ended.catch(() => {})
    await container.start(call)
    const output = {
      ...(input === undefined ? {} : { input }),
      ...(maximumOutputBytes === undefined ? {} : { maximumOutputBytes }),
    }
    const { stdout, stderr } = await collectOutput(process, output, signal)
    const { exitCode, outOfMemory } = await container.wait(call)
    const { limits } = container
    await removeByForce(driver, id)
    return { exitCode, stdout, stderr, outOfMemory, limits }
  } catch (error) {
    await removeAfter(running, id, error)
    throw error
  }
}

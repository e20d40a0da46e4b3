import { RootlessError } from '../errors.ts'
import { collectOutput } from './collect-output.ts'
import type { Call, Container, Containers, RunResult, RunToEndOptions } from './container.ts'
import type { ContainerDriver, ContainerPlan, DriverContext, LimitPlan } from './driver.ts'
import { createContainer, toContainerSummary } from './create-container.ts'
import { removeByForce } from './end-container.ts'
import { hasCode, throwIfAborted, toAborted } from './ending.ts'
import type { ContainerOptions } from './options.ts'
import { MANAGED_LABEL, OWNER_LABEL, readOwner, toOwnerLabel } from './owner.ts'
import { checkContainerOptions, checkMountSources } from './plan-container.ts'
import { askedFields, judgeAskedLimits, toNotEnforced, type JudgedLimits } from './plan-limits.ts'
import { resolvePorts } from './plan-ports.ts'
import { RECORD_LABEL, type ContainerRecord } from './record.ts'
import { sweepContainers } from './sweep.ts'

/** How often other free ports are chosen when somebody was faster. */
const PORT_TRIES = 3

/** The containers of an engine: its driver, and the rules that are the same on all engines. */
export function createContainers(driver: ContainerDriver, context: DriverContext): Containers {
  const open = async (id: string, call: Call): Promise<Container> =>
    await createContainer(driver, context, await driver.inspect(id, call))
  return {
    create: async (options, call = {}) => {
      const id = await makeContainer(driver, context, options, call)
      try {
        return await open(id, call)
      } catch (error) {
        await removeAfter(driver, id, error)
        throw error
      }
    },
    run: (options, call = {}) => run({ driver, context, open }, options, call),
    runToEnd: (options) => runToEnd({ driver, context, open }, options),
    get: (nameOrId, call = {}) => open(nameOrId, call),
    list: async ({ everyone = false, labels = {}, signal } = {}) => {
      const wanted = everyone ? labels : { ...labels, [MANAGED_LABEL]: 'true' }
      return (await driver.list(wanted, signal === undefined ? {} : { signal })).map(toContainerSummary)
    },
    events: (call = {}) => driver.events(call),
    sweep: (call = {}) => sweepContainers(driver, context.machine, call),
  }
}

interface Running {
  readonly driver: ContainerDriver
  readonly context: DriverContext
  readonly open: (id: string, call: Call) => Promise<Container>
}

async function makeContainer(
  driver: ContainerDriver,
  context: DriverContext,
  options: ContainerOptions,
  call: Call,
): Promise<string> {
  throwIfAborted(call.signal)
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
      return await makeOne(driver, { ...plan, ports, limits: limits.plan, labels: { ...plan.labels, ...ours } }, call)
    } catch (error) {
      // Somebody else took a port between our choosing and the engine's listening; a port of the caller's stays as it was asked.
      if (!hasCode(error, 'PORT_IN_USE') || tries === PORT_TRIES || !askedPorts.every(({ chosen }) => chosen)) throw error
    }
  }
}

async function makeOne(driver: ContainerDriver, plan: ContainerPlan, call: Call): Promise<string> {
  const id = await driver.create(plan, call)
  if (call.signal?.aborted !== true) return id
  await removeByForce(driver, id)
  throw toAborted(call.signal)
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

async function run({ driver, context, open }: Running, options: ContainerOptions, call: Call): Promise<Container> {
  const onlyChosen = (options.ports ?? []).every(({ host }) => host === undefined)
  for (let tries = 1; ; tries += 1) {
    const id = await makeContainer(driver, context, options, call)
    try {
      const container = await open(id, call)
      await container.start(call)
      throwIfAborted(call.signal)
      return container
    } catch (error) {
      await removeAfter(driver, id, error)
      if (!hasCode(error, 'PORT_IN_USE') || tries === PORT_TRIES || !onlyChosen) throw error
    }
  }
}

/** What failed is told; that its rest could not be removed, too. */
async function removeAfter(driver: ContainerDriver, id: string, error: unknown): Promise<void> {
  try {
    await removeByForce(driver, id)
  } catch (left) {
    // An engine that is gone cannot remove anything: a sweep does it when it is back.
    if (hasCode(error, 'ENGINE_GONE', 'ENGINE_UNAVAILABLE', 'ENGINE_TIMEOUT')) return
    const why = error instanceof Error ? error.message : String(error)
    throw new RootlessError('ENGINE_REFUSED', `${why}; and the container ${id} could not be removed: ${String(left)}`, {
      engine: driver.engine,
      cause: error,
    })
  }
}

async function runToEnd({ driver, context, open }: Running, options: ContainerOptions & RunToEndOptions): Promise<RunResult> {
  const { input, maximumOutputBytes, signal, ...rest } = options
  const call = signal === undefined ? {} : { signal }
  const stdin = input !== undefined
  const id = await makeContainer(driver, context, { ...rest, stdin }, call)
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
    await removeAfter(driver, id, error)
    throw error
  }
}

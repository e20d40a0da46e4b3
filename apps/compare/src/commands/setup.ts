import { createLocalSystem } from '@rootless-runtime/host'
import { applySetup, planSetup, readSetupState, renderSetupScript, stopSetup, type SetupPlan } from '@rootless-runtime/host/setup'
import { ENGINE_NAMES, printable, type EngineName, type System } from 'rootless-runtime'
import { SETUP_USER } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { renderPlan } from '../render/plan.ts'
import { toStyle } from '../render/style.ts'

export interface SetupOptions {
  readonly engine?: readonly EngineName[]
  readonly user?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly script?: boolean
  readonly stop?: boolean
}

/** `rootless setup`: makes this host ready, by a plan that is shown first. */
export async function setup(options: SetupOptions, io: Io): Promise<number> {
  const system = createLocalSystem({ signal: io.signal })
  const userName = options.user ?? (system.user.uid === 0 ? SETUP_USER : system.user.name)
  if (options.stop === true) return stop(system, userName, io)
  const plan = planSetup(await readSetupState(system, { userName, engines: options.engine ?? ENGINE_NAMES }))
  if (options.script === true) {
    io.out.write(renderSetupScript(plan))
    return EXIT.fine
  }
  io.out.write(`${renderPlan(plan, toStyle(io.out, io.environment))}\n`)
  const needed = plan.steps.filter(({ state }) => state === 'needed')
  if (options.dryRun === true) return EXIT.fine
  if (needed.length === 0) return tellManual(plan, io)
  if (options.yes !== true) {
    const decision = await decide(needed.length, io)
    if (decision !== EXIT.fine) return decision
  }
  return apply(system, plan, io)
}

async function stop(system: System, userName: string, io: Io): Promise<number> {
  const { stopped, left } = await stopSetup(system, userName, { signal: io.signal })
  for (const line of stopped) io.out.write(`stopped: ${printable(line)}\n`)
  for (const line of left) io.out.write(`left:    ${printable(line)}\n`)
  if (stopped.length === 0) io.out.write('nothing that setup started is running\n')
  return EXIT.fine
}

async function decide(count: number, io: Io): Promise<number> {
  if (io.ask === undefined) {
    io.error.write(`nothing was done: to do these ${count} steps, add --yes\n`)
    return EXIT.wrongUse
  }
  const answer = await io.ask(`Do these ${count} steps? [y/N] `)
  if (/^y(?:es)?$/iu.test(answer.trim())) return EXIT.fine
  io.error.write('nothing was done\n')
  return EXIT.interrupted
}

async function apply(system: System, plan: SetupPlan, io: Io): Promise<number> {
  const style = toStyle(io.error, io.environment)
  const { applied } = await applySetup(system, plan, {
    signal: io.signal,
    onStep: ({ title }, progress) => {
      if (progress === 'started') io.error.write(`${style.faint('…')} ${printable(title)}\n`)
      if (progress === 'finished') io.error.write(`${style.colour('supported', style.sign('supported'))} ${printable(title)}\n`)
      if (progress === 'failed') io.error.write(`${style.colour('unsupported', style.sign('unsupported'))} ${printable(title)}\n`)
    },
  })
  io.out.write(`${applied.length === 1 ? '1 step' : `${applied.length} steps`} done\n`)
  return tellManual(plan, io)
}

/** What is left for a person; 3 when there is anything. */
function tellManual({ steps }: SetupPlan, io: Io): number {
  const manual = steps.filter(({ state }) => state === 'manual')
  for (const { title, byHand } of manual) io.error.write(`left for you: ${printable(title)}: ${printable(byHand ?? '')}\n`)
  return manual.length === 0 ? EXIT.fine : EXIT.couldNotLook
}

import { setTimeout as sleep } from 'node:timers/promises'
import { RootlessError, type System } from '@rootless-runtime/core'
import { pingDocker } from './ping-docker.ts'
import { runAsActor, toLastWords, type ActorAnswer } from './run-as-actor.ts'
import { APPEND_LINE_SCRIPT, WRITE_FILE_SCRIPT, toModeWord } from './shell-pieces.ts'
import type { SetupAction, SetupPlan, SetupStep, SetupStepId, SetupUser } from './setup-plan.ts'

const POLL_MS = 100
const PING_TIMEOUT_MS = 1000

/** Where a step stands while a plan is applied. */
export const STEP_PROGRESS = ['already-done', 'manual', 'started', 'finished', 'failed'] as const
export type StepProgress = (typeof STEP_PROGRESS)[number]

export interface ApplyOptions {
  /** Looked at between actions: a package manager that is at work is never cut off. */
  readonly signal?: AbortSignal
  readonly onStep?: (step: SetupStep, progress: StepProgress) => void
}

export interface SetupResult {
  /** The steps that were applied now, in order. */
  readonly applied: readonly SetupStepId[]
  /** The steps that were done before. */
  readonly alreadyDone: readonly SetupStepId[]
  /** What is left for a person. */
  readonly manual: readonly SetupStep[]
}

/**
 * Applies the needed steps of a plan in order, and stops at the first one that fails. What is done stays done: reading,
 * planning and applying again goes on from there.
 *
 * @throws RootlessError `HOST_REFUSED` with the step, its command and the last words of it; `ABORTED` by the signal.
 */
export async function applySetup(system: System, plan: SetupPlan, options: ApplyOptions = {}): Promise<SetupResult> {
  const { onStep } = options
  const applied: SetupStepId[] = []
  for (const step of plan.steps) {
    if (step.state === 'needed') {
      onStep?.(step, 'started')
      await applyStep(system, plan, step, options)
      applied.push(step.id)
      onStep?.(step, 'finished')
    } else {
      onStep?.(step, step.state === 'done' ? 'already-done' : 'manual')
    }
  }
  return {
    applied,
    alreadyDone: plan.steps.filter(({ state }) => state === 'done').map(({ id }) => id),
    manual: plan.steps.filter(({ state }) => state === 'manual'),
  }
}

async function applyStep(system: System, plan: SetupPlan, step: SetupStep, { signal, onStep }: ApplyOptions): Promise<void> {
  for (const action of step.actions) {
    if (isAborted(signal)) throw toAborted(step, signal)
    const answer = await applyAction(system, action, plan.user, signal)
    if (!answer.ok && isAborted(signal)) throw toAborted(step, signal)
    if (!answer.ok) {
      onStep?.(step, 'failed')
      throw new RootlessError(
        'HOST_REFUSED',
        `setup stopped at the step "${step.id}" (${step.title}): ${answer.words}. Mend that and run setup again: what is done stays done`,
        { evidence: answer.words },
      )
    }
  }
}

function isAborted(signal: AbortSignal | undefined): signal is AbortSignal {
  return signal?.aborted === true
}

function toAborted(step: SetupStep, signal: AbortSignal): RootlessError {
  return new RootlessError('ABORTED', `setup was interrupted at the step "${step.id}"; run it again to go on from there`, {
    cause: signal.reason,
  })
}

function applyAction(system: System, action: SetupAction, user: SetupUser, signal?: AbortSignal): Promise<ActorAnswer> {
  switch (action.kind) {
    case 'run':
      return runUnless(system, action, user)
    case 'write-file': {
      const command = ['sh', '-c', WRITE_FILE_SCRIPT, 'write-file', action.path, toModeWord(action.mode)]
      return named(
        `${action.path} could not be written`,
        runAsActor(system, { as: action.as, user, command, input: action.content }),
      )
    }
    case 'append-line': {
      const command = ['sh', '-c', APPEND_LINE_SCRIPT, 'append-line', action.path, action.line]
      return named(`${action.path} could not be written`, runAsActor(system, { as: action.as, user, command }))
    }
    case 'wait-for-docker':
      return waitForDocker(system, action, user, signal)
  }
}

async function runUnless(system: System, action: Extract<SetupAction, { kind: 'run' }>, user: SetupUser): Promise<ActorAnswer> {
  const { as, command, unless, timeoutMs } = action
  if (unless !== undefined && (await runAsActor(system, { as, user, command: unless })).ok) return { ok: true, stdout: '' }
  return runAsActor(system, { as, user, command, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
}

/** Names what was tried in place of the shell that did it. */
async function named(what: string, pending: Promise<ActorAnswer>): Promise<ActorAnswer> {
  const answer = await pending
  return answer.ok ? answer : { ok: false, words: `${what}: ${answer.words.slice(answer.words.lastIndexOf('` ') + 2)}` }
}

type WaitForDocker = Extract<SetupAction, { kind: 'wait-for-docker' }>

async function waitForDocker(system: System, action: WaitForDocker, user: SetupUser, signal?: AbortSignal): Promise<ActorAnswer> {
  const deadline = performance.now() + action.timeoutMs
  for (;;) {
    if ((await pingDocker(system, action.socketPath, PING_TIMEOUT_MS)) === 'docker') return { ok: true, stdout: '' }
    if (performance.now() >= deadline) break
    try {
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal })
    } catch {
      return { ok: false, words: 'interrupted' }
    }
  }
  // As the user: the log lies in a folder of theirs, where a link could point anywhere.
  const log = await runAsActor(system, { as: 'user', user, command: action.log })
  const said = log.ok
    ? `its log ends with: ${toLastWords(withoutTrace(log.stdout)) || 'nothing'}`
    : `its log could not be read: ${log.words}`
  return {
    ok: false,
    words: `Docker did not answer at ${action.socketPath} within ${action.timeoutMs / 1000} s; ${said}; it is tried again in the background until \`rootless setup --stop\``,
  }
}

// dockerd-rootless.sh runs under `set -x`; its trace would push the cause out of the message.
function withoutTrace(log: string): string {
  return log
    .split('\n')
    .filter((line) => !line.startsWith('+ '))
    .join('\n')
}

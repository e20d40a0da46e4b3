import { describeAction, type SetupPlan, type SetupStep } from '@rootless-runtime/host/setup'
import { printable } from 'rootless-runtime'
import type { Style } from './style.ts'

const STATES = { done: 'supported', needed: 'unknown', manual: 'unsupported' } as const
const STATE_WORDS = { done: 'done', needed: 'to do', manual: 'by hand' } as const

/** A plan for a person to decide on: each step, why, as whom, what it does, and how it is undone. */
export function renderPlan(plan: SetupPlan, style: Style): string {
  const { user, engines, steps } = plan
  const head = `Plan for ${engines.join(', ')} without root, as the user ${printable(user.name)}`
  return [style.bold(head), ...steps.map((step) => renderStep(step, style))].join('\n')
}

function renderStep(step: SetupStep, style: Style): string {
  const { title, why, needsRoot, undo, state, byHand, actions } = step
  const mark = STATES[state]
  const head = `${style.colour(mark, `${style.sign(mark)} ${STATE_WORDS[state].padEnd(7)}`)} ${style.bold(printable(title))}`
  if (state === 'done') return head
  const lines = [
    `why:  ${why}`,
    `as:   ${needsRoot ? 'root' : 'the user'}`,
    ...(byHand === undefined ? [] : [`hand: ${byHand}`]),
    ...actions.map((action) => `does: ${describeAction(action)}`),
    `undo: ${undo}`,
  ]
  return [head, ...lines.map((line) => `    ${style.faint(printable(line, 1000))}`)].join('\n')
}

import { printable } from '@rootless-runtime/core'
import { quoteShellCommand, quoteShellWord } from './quote-shell-word.ts'
import type { Actor, SetupAction, SetupPlan, SetupStep, SetupUser } from './setup-plan.ts'
import { APPEND_LINE_SCRIPT, WRITE_FILE_SCRIPT, toModeWord } from './shell-pieces.ts'
import { toActorCommand } from './as-actor.ts'

/**
 * The plan as a POSIX shell script for a person to read and then to run as root. It does what `applySetup` does, with the same
 * pieces of shell. Steps that are done, or that only a person can decide, are comments.
 */
export function renderSetupScript(plan: SetupPlan): string {
  return [...renderHead(plan), ...plan.steps.map((step) => renderStep(step, plan)), "echo 'setup: finished'", ''].join('\n')
}

function renderHead({ user, engines }: SetupPlan): readonly string[] {
  return [
    '#!/bin/sh',
    comment(`Makes this host ready for ${engines.join(', ')} without root, for the user ${user.name} (uid ${user.uid}).`),
    comment('Written by `rootless setup --script`. Read it, then run it as root. Running it again is harmless.'),
    'set -eu',
    '',
    'if [ "$(id -u)" -ne 0 ]; then echo \'setup: run this script as root\' >&2; exit 1; fi',
    '',
    'as_root() {',
    `  ${quoteShellCommand(toActorCommand([], 'root', user, true))} "$@"`,
    '}',
    '',
    comment('Runs a command as the user with a clean environment: nothing in the home folder is touched as root.'),
    'as_user() {',
    `  ${quoteShellCommand(toActorCommand([], 'user', user, true))} "$@"`,
    '}',
    '',
    comment('Standard input into a file: path, mode.'),
    `write_file=${quoteShellWord(WRITE_FILE_SCRIPT)}`,
    comment('A line to the end of a file that lacks it: path, line.'),
    `append_line=${quoteShellWord(APPEND_LINE_SCRIPT)}`,
    '',
  ]
}

function renderStep(step: SetupStep, plan: SetupPlan): string {
  const heading = [comment(`== ${step.title}`), comment(`Why: ${step.why}.`), comment(`Undo: ${step.undo}.`)]
  if (step.state === 'done') return [...heading, comment('Done already.'), ''].join('\n')
  if (step.state === 'manual' && (step.actions.length === 0 || !plan.supportedDistribution)) {
    const like = step.actions.map((action) => comment(`  ${describeAction(action)}`))
    return [
      ...heading,
      comment(`By hand: ${step.byHand ?? ''}.`),
      ...like,
      `echo ${quoteShellWord(`setup: by hand: ${step.title}`)}`,
      '',
    ].join('\n')
  }
  return [
    ...heading,
    `echo ${quoteShellWord(`setup: ${step.title}`)}`,
    ...step.actions.map((action) => renderAction(action, plan.user)),
    '',
  ].join('\n')
}

function renderAction(action: SetupAction, user: SetupUser): string {
  switch (action.kind) {
    case 'run':
      return renderRun(action)
    case 'write-file':
      return renderWrite(
        `${ACTOR_FUNCTIONS[action.as]} sh -c "$write_file" write-file ${quoteShellWord(action.path)} ${toModeWord(action.mode)}`,
        action.content,
      )
    case 'append-line':
      return `${ACTOR_FUNCTIONS[action.as]} sh -c "$append_line" append-line ${quoteShellCommand([action.path, action.line])}`
    case 'wait-for-docker':
      return renderWait(action.socketPath, action.timeoutMs / 1000, action.log, user)
  }
}

const ACTOR_FUNCTIONS: Readonly<Record<Actor, string>> = { root: 'as_root', user: 'as_user' }

function renderRun({ as, command, unless }: Extract<SetupAction, { kind: 'run' }>): string {
  const line = `${ACTOR_FUNCTIONS[as]} ${quoteShellCommand(command)}`
  return unless === undefined ? line : `${ACTOR_FUNCTIONS[as]} ${quoteShellCommand(unless)} >/dev/null 2>&1 || ${line}`
}

function renderWrite(command: string, content: string): string {
  if (!content.endsWith('\n')) return `printf %s ${quoteShellWord(content)} | ${command}`
  const lines = new Set(content.split('\n'))
  let mark = 'END_OF_FILE'
  while (lines.has(mark)) mark += '_'
  return `${command} <<'${mark}'\n${content}${mark}`
}

function renderWait(socketPath: string, timeoutS: number, log: readonly string[], user: SetupUser): string {
  return [
    'waited_s=0',
    `until as_user docker --host ${quoteShellWord(`unix://${socketPath}`)} version >/dev/null 2>&1; do`,
    `  if [ "$waited_s" -ge ${timeoutS} ]; then`,
    `    echo ${quoteShellWord(`setup: rootless Docker of ${user.name} does not answer; its log ends with:`)} >&2`,
    `    as_user ${quoteShellCommand(log)} >&2 || true`,
    '    exit 1',
    '  fi',
    '  sleep 1',
    '  waited_s=$((waited_s + 1))',
    'done',
  ].join('\n')
}

/** An action in one line, as a person would type it, for plans on a terminal. */
export function describeAction(action: SetupAction): string {
  const as = action.as === 'user' ? ' (as the user)' : ''
  switch (action.kind) {
    case 'run':
      return `${printable(quoteShellCommand(action.command))}${as}`
    case 'write-file':
      return `write ${printable(action.path)}${as}`
    case 'append-line':
      return `append to ${printable(action.path)}: ${printable(action.line)}`
    case 'wait-for-docker':
      return `wait until Docker answers at ${printable(action.socketPath)}`
  }
}

/** A comment of one line: foreign text in it cannot start a command. */
function comment(text: string): string {
  return `# ${printable(text, 1000)}`
}

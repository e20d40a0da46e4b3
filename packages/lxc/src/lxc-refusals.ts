import { printable, RootlessError, type ErrorCode } from '@rootless-runtime/core'
import type { EngineLog } from './lxc-engine-log.ts'

/** LXC's words in its logs of a start and of lxc-attach, with our codes. The first that matches speaks: a cause stands above its effects. */
const REFUSALS: readonly (readonly [words: RegExp, code: ErrorCode, meaning: string])[] = [
  [/No such file or directory - Failed to exec "/u, 'COMMAND_NOT_FOUND', 'the command is not in the container'],
  [/Not a directory - Failed to exec "/u, 'COMMAND_NOT_FOUND', 'the command is not in the container'],
  [/ - Failed to exec "/u, 'COMMAND_NOT_EXECUTABLE', 'the command may not be executed'],
  [/Could not change directory to "/u, 'WORKDIR_NOT_FOUND', 'the working directory is not in the container'],
  [/Failed to get init pid|Failed to get attach context|is not running/u, 'NOT_RUNNING', 'it does not run'],
  [/Failed to setup cgroup limits|Failed to setup limits for/u, 'LIMIT_NOT_ENFORCED', 'LXC could not apply the limits'],
  [/Failed to clone attached process/u, 'ENGINE_REFUSED', 'no process could be added: is it at its limit of pids?'],
  [/Quota reached/u, 'ENGINE_REFUSED', '/etc/lxc/lxc-usernet gives this user no such network, or no more of them'],
]

/** Why a container did not start, by LXC's log of it. */
export function toStartError(name: string, command: readonly string[], log: string, errors: EngineLog['errors']): RootlessError {
  return (
    toRefusal(`${printable(name)} did not start`, command, errors) ??
    toUnknown(`${printable(name)} did not start`, errors.join('\n') || log)
  )
}

/** Why lxc-attach ran nothing; `null` when its log is about something else, and the command ran. */
export function toAttachError(name: string, command: readonly string[], log: string): RootlessError | null {
  const what = `nothing was run in ${printable(name)}`
  return toRefusal(what, command, log.split('\n')) ?? toUnknown(what, log)
}

function toRefusal(what: string, command: readonly string[], lines: readonly string[]): RootlessError | null {
  for (const line of lines) {
    const found = REFUSALS.find(([words]) => words.test(line))
    if (found === undefined) continue
    const [, code, meaning] = found
    const about = code.startsWith('COMMAND_') ? ` (${printable(command[0] ?? '')})` : ''
    return new RootlessError(code, `${what}: ${meaning}${about}`, { engine: 'lxc', evidence: printable(line) })
  }
  return null
}

function toUnknown(what: string, words: string): RootlessError {
  const last = printable(words.trim().split('\n').at(-1) ?? '')
  return new RootlessError('ENGINE_REFUSED', `${what}: ${last}`, { engine: 'lxc', evidence: printable(words.slice(-2000), 2000) })
}

/** Nobody can tell any more. */
export function toGone(why: string): RootlessError {
  return new RootlessError('ENGINE_GONE', why, { engine: 'lxc' })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { RootlessError, knownValue, printable, type System } from '@rootless-runtime/core'
import { isUserName } from './accounts.ts'
import { pingDocker } from './ping-docker.ts'
import { readAccounts } from './read-accounts.ts'
import { readTextFact } from './read-facts.ts'
import { readSupervisor } from './read-supervisor.ts'
import { runAsActor } from './run-as-actor.ts'
import type { SetupUser } from './setup-plan.ts'
import { isOwnFile } from './user-files.ts'
import { toUserPlaces } from './user-places.ts'

// Containers get ten seconds each to end; 12.8 s in all were seen with one that ignores its signal.
const STOP_TIMEOUT_MS = 60_000
const POLL_MS = 100
const PING_TIMEOUT_MS = 1000
const SYSTEMCTL = ['systemctl', '--user'] as const

export interface StopOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface StopResult {
  /** What was ended, in words; empty when nothing that setup started was running. */
  readonly stopped: readonly string[]
  /** What goes on and why. */
  readonly left: readonly string[]
}

/**
 * Ends what setup started for a user: rootless Docker with its supervisor or unit. Waits until it is gone.
 *
 * A signal is sent as the user, never as root, so a forged pid file can only hit a process of that user.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for a name that is no user, `HOST_REFUSED` when it does not end, `ABORTED` by the signal.
 */
export async function stopSetup(system: System, userName: string, options: StopOptions = {}): Promise<StopResult> {
  const user = await readStopUser(system, userName)
  if (system.user.uid !== 0 && system.user.uid !== user.uid) {
    throw new RootlessError('INVALID_ARGUMENT', `what runs belongs to ${userName}: stop it as that user, or as root`)
  }
  const booted = await system.status('/run/systemd/system')
  const stopped = booted.status === 'ok' ? await stopUnit(system, user) : await stopSupervisor(system, user, options)
  return { stopped, left: await readLeft(system, user) }
}

async function readStopUser(system: System, userName: string): Promise<SetupUser> {
  if (!isUserName(userName))
    throw new RootlessError('INVALID_ARGUMENT', `not a user name that setup can use: ${printable(userName)}`)
  const { target } = await readAccounts(system, userName)
  const user = knownValue(target)
  if (user === undefined) {
    throw new RootlessError(
      'HOST_REFUSED',
      `could not look up the user ${userName}: ${target.status === 'unknown' ? target.reason : ''}`,
    )
  }
  if (user === null || user.uid === 0) throw new RootlessError('INVALID_ARGUMENT', `there is no ordinary user ${userName}`)
  return user
}

async function stopUnit(system: System, user: SetupUser): Promise<readonly string[]> {
  const unit = await readTextFact(system, toUserPlaces(user).dockerUnit)
  if (unit.status !== 'known' || unit.value === null || !isOwnFile(unit.value)) return []
  const state = await runAsActor(system, {
    as: 'user',
    user,
    command: [...SYSTEMCTL, 'show', '--property=ActiveState', '--value', 'docker.service'],
  })
  // systemctl(1): a unit that is `activating` between two tries must be stopped as well.
  if (state.ok && ['inactive', 'failed'].includes(state.stdout.trim())) return []
  const answer = await runAsActor(system, {
    as: 'user',
    user,
    command: [...SYSTEMCTL, 'stop', 'docker.service'],
    timeoutMs: STOP_TIMEOUT_MS,
  })
  if (!answer.ok)
    throw new RootlessError('HOST_REFUSED', `rootless Docker of ${user.name} was not stopped: ${answer.words}`, {
      evidence: answer.words,
    })
  return [`docker.service of ${user.name}, until the next boot`]
}

async function stopSupervisor(
  system: System,
  user: SetupUser,
  { signal, timeoutMs = STOP_TIMEOUT_MS }: StopOptions,
): Promise<readonly string[]> {
  const pid = await readSupervisor(system, user)
  if (pid === null) return []
  const answer = await runAsActor(system, {
    as: 'user',
    user,
    command: ['sh', '-c', 'kill -s TERM -- "$1"', 'kill', String(pid)],
  })
  const deadline = performance.now() + timeoutMs
  while ((await readSupervisor(system, user)) === pid) {
    if (!answer.ok)
      throw new RootlessError(
        'HOST_REFUSED',
        `the supervisor of rootless Docker (process ${pid}) was not stopped: ${answer.words}`,
      )
    if (performance.now() >= deadline) {
      throw new RootlessError(
        'HOST_REFUSED',
        `rootless Docker of ${user.name} did not end within ${timeoutMs / 1000} s of TERM; look at process ${pid} and its children`,
      )
    }
    try {
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal })
    } catch (cause) {
      throw new RootlessError('ABORTED', `rootless Docker of ${user.name} was told to end; nobody waited for it`, { cause })
    }
  }
  return [`rootless Docker of ${user.name} and its supervisor (process ${pid})`]
}

async function readLeft(system: System, user: SetupUser): Promise<readonly string[]> {
  const { dockerSocket } = toUserPlaces(user)
  const [answer, bridge] = await Promise.all([
    pingDocker(system, dockerSocket, PING_TIMEOUT_MS),
    system.status('/sys/class/net/lxcbr0'),
  ])
  return [
    ...(answer === 'none' ? [] : [`an engine still answers at ${dockerSocket}: setup did not start it`]),
    ...(bridge.status === 'ok' ? ['the bridge lxcbr0 stays: other users may have containers on it'] : []),
  ]
}

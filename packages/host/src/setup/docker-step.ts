import { known } from '@rootless-runtime/core'
import type { SetupAction } from './setup-plan.ts'
import { DONE, byHand, judge, needed, run, write, type Outcome, type PlanContext, type StepDraft } from './step-draft.ts'
import { SUPERVISOR_SCRIPT } from './supervisor-script.ts'
import { DOCKER_UNIT } from './user-files.ts'

/** dockerd without systemd answers in 0.7 s here, in 44 s at most in a busy emulated guest with systemd. */
const START_TIMEOUT_MS = { supervisor: 30_000, systemd: 90_000 }

export function draftDockerService(context: PlanContext): StepDraft {
  const { state, user, places } = context
  return {
    id: 'docker-service',
    title: `Start rootless Docker of ${user.name}`,
    why: state.systemd
      ? 'As a service of the user, started again when it dies and at boot'
      : `In the background, started again when it dies, until the next boot; its log is ${places.dockerLog}`,
    needsRoot: false,
    undo: state.systemd ? 'systemctl --user disable --now docker, as the user' : 'rootless setup --stop',
    outcome: toOutcome(context),
  }
}

function toOutcome(context: PlanContext): Outcome {
  const { state, places } = context
  const answer = state.user?.docker ?? 'none'
  if (answer === 'docker') return DONE
  if (answer === 'other-engine') return byHand(`another engine answers at ${places.dockerSocket}: stop it, then run setup again`)
  return state.systemd ? toSystemdOutcome(context) : toSupervisorOutcome(context)
}

function toSystemdOutcome({ state, places }: PlanContext): Outcome {
  return judge(state.user?.dockerUnit ?? known(null, places.dockerUnit), (unit) =>
    needed(
      // A unit that is there is the user's or a package's: it stays.
      ...(unit === null ? [write('user', places.dockerUnit, DOCKER_UNIT)] : []),
      run('user', 'systemctl', '--user', 'daemon-reload'),
      run('user', 'systemctl', '--user', 'enable', '--now', 'docker.service'),
      waitForDocker(places.dockerSocket, START_TIMEOUT_MS.systemd, [
        'journalctl',
        '--user',
        '--unit=docker.service',
        '--lines=20',
        '--output=cat',
        '--no-pager',
      ]),
    ),
  )
}

function toSupervisorOutcome({ state, places }: PlanContext): Outcome {
  return judge(state.user?.supervisorScript ?? known(null, places.supervisorScript), (script) =>
    needed(
      ...(script === SUPERVISOR_SCRIPT ? [] : [write('user', places.supervisorScript, SUPERVISOR_SCRIPT, 0o755)]),
      run('user', 'sh', places.supervisorScript, 'start'),
      waitForDocker(places.dockerSocket, START_TIMEOUT_MS.supervisor, ['tail', '-n', '20', '--', places.dockerLog]),
    ),
  )
}

function waitForDocker(socketPath: string, timeoutMs: number, log: readonly [string, ...string[]]): SetupAction {
  return { kind: 'wait-for-docker', as: 'user', socketPath, timeoutMs, log }
}

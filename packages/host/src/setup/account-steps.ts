import { known, knownValue, type Fact } from '@rootless-runtime/core'
import { SUBORDINATE_ID_COUNT, findFreeRangeStart, findOwnRange } from './accounts.ts'
import { isSupportedDistribution } from './distribution.ts'
import { toMissingPackages } from './engine-needs.ts'
import type { SetupAction, SetupUser } from './setup-plan.ts'
import type { Distribution, SetupState, SubordinateRange } from './setup-state.ts'
import { DONE, byHand, judge, needed, run, type Outcome, type PlanContext, type StepDraft } from './step-draft.ts'

const APT_TIMEOUT_MS = 900_000
const NOTHING_INSTALLED: Fact<ReadonlySet<string>> = known(new Set(), 'not Debian')

export function draftPackages({ state }: PlanContext): StepDraft {
  return {
    id: 'packages',
    title: 'Install the engines and their helpers',
    why: 'Each engine needs programs of its own; newuidmap and newgidmap of uidmap must be setuid root, so a copy in a home folder does not do',
    needsRoot: true,
    undo: 'apt-get remove the packages that this step names',
    outcome: judge(state.distribution, (distribution) =>
      // Elsewhere nobody knows what is installed, so the whole list is shown.
      judge(isSupportedDistribution(state.distribution) ? state.packages : NOTHING_INSTALLED, (installed) =>
        judgePackages(state, installed, distribution),
      ),
    ),
  }
}

function judgePackages(state: SetupState, installed: ReadonlySet<string>, distribution: Distribution): Outcome {
  const layout = knownValue(state.cgroupLayout)
  const cgroupV1 = layout === 'v1' || layout === 'hybrid'
  const missing = toMissingPackages(state.engines, installed, { distribution, systemd: state.systemd, cgroupV1 })
  if (missing.length === 0) return DONE
  return needed(
    toApt('update', '--quiet'),
    toApt('install', '--quiet', '--yes', '--no-install-recommends', '--no-remove', ...missing),
    ...(missing.includes('docker.io') ? [toRootfulDockerStop(state.systemd)] : []),
  )
}

function toApt(...words: readonly string[]): SetupAction {
  return {
    kind: 'run',
    as: 'root',
    command: ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...words],
    timeoutMs: APT_TIMEOUT_MS,
  }
}

// Debian's docker.io starts a daemon as root when it is installed. Only a docker.io that this very step installs is touched.
function toRootfulDockerStop(systemd: boolean): SetupAction {
  if (systemd) return run('root', 'systemctl', 'disable', '--now', 'docker.service', 'docker.socket')
  return run('root', 'sh', '-c', 'test ! -x /etc/init.d/docker || { update-rc.d docker disable; /etc/init.d/docker stop; }')
}

export function draftUser({ state, user, ranges }: PlanContext): StepDraft {
  const command = [
    'useradd',
    '--create-home',
    '--home-dir',
    user.home,
    '--shell',
    '/bin/bash',
    '--uid',
    String(user.uid),
    '--user-group',
  ] as const
  return {
    id: 'user',
    title: `Make the ordinary user ${user.name}`,
    why: 'Engines without root belong to one ordinary user; a user of its own keeps containers away from your files',
    needsRoot: true,
    undo: `userdel --remove ${user.name} (deletes the home folder)`,
    outcome: judge(state.accounts.target, (account) =>
      account === null
        ? needed({
            kind: 'run',
            as: 'root',
            command: [...command, ...toSubordinateKeys(ranges), user.name],
            unless: ['getent', 'passwd', user.name],
          })
        : DONE,
    ),
  }
}

/**
 * useradd(8) gives subordinate ids of its own accord: here those that the plan shows, and the next step then finds them there. It
 * cannot be told to give none: with a count of 0 that of Debian 11 (4.8.1) fails.
 */
function toSubordinateKeys(ranges: PlanContext['ranges']): readonly string[] {
  if (ranges === null) return []
  return [['UID', ranges.users] as const, ['GID', ranges.groups] as const].flatMap(([kind, { start, count }]) => [
    '--key',
    `SUB_${kind}_MIN=${start}`,
    '--key',
    `SUB_${kind}_COUNT=${count}`,
  ])
}

/** The user as there, or as `draftUser` will make it. */
export function toSetupUser(state: SetupState): SetupUser {
  const { target, freeId } = state.accounts
  return knownValue(target) ?? { name: state.userName, uid: freeId, gid: freeId, home: `/home/${state.userName}` }
}

export function draftSubordinateIds({ state, user, ranges }: PlanContext): StepDraft {
  return {
    id: 'subordinate-ids',
    title: `Give ${user.name} ${SUBORDINATE_ID_COUNT} subordinate user and group ids`,
    why: 'Every user inside a container but one is such an id outside; without them images with more than one user fail',
    needsRoot: true,
    undo: `usermod --del-subuids and --del-subgids with the same range, once no container of ${user.name} is left`,
    outcome: judge(state.accounts.subordinateUserIds, (users) =>
      judge(state.accounts.subordinateGroupIds, (groups) => judgeSubordinateIds(users, groups, user, ranges)),
    ),
  }
}

function judgeSubordinateIds(
  users: readonly SubordinateRange[],
  groups: readonly SubordinateRange[],
  user: SetupUser,
  ranges: PlanContext['ranges'],
): Outcome {
  const words = [
    ...(findOwnRange(users, user) === undefined && ranges !== null ? ['--add-subuids', toRangeWord(ranges.users)] : []),
    ...(findOwnRange(groups, user) === undefined && ranges !== null ? ['--add-subgids', toRangeWord(ranges.groups)] : []),
  ]
  if (ranges === null)
    return byHand(
      `/etc/subuid and /etc/subgid have no free range of ${SUBORDINATE_ID_COUNT} ids: remove lines of users that are gone`,
    )
  return words.length === 0 ? DONE : needed(run('root', 'usermod', ...words, user.name))
}

function toRangeWord({ start, count }: SubordinateRange): string {
  return `${start}-${start + count - 1}`
}

/** The ranges that the user has or will get: one that is free in both files. */
export function toRanges(state: SetupState, user: SetupUser): PlanContext['ranges'] {
  const users = knownValue(state.accounts.subordinateUserIds) ?? []
  const groups = knownValue(state.accounts.subordinateGroupIds) ?? []
  const start = findFreeRangeStart([...users, ...groups])
  const free = start === undefined ? undefined : { who: user.name, start, count: SUBORDINATE_ID_COUNT }
  const [ownUsers, ownGroups] = [findOwnRange(users, user) ?? free, findOwnRange(groups, user) ?? free]
  return ownUsers === undefined || ownGroups === undefined ? null : { users: ownUsers, groups: ownGroups }
}

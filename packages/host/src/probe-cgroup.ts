import { known, unknownFact, type Answer, type CgroupFacts, type Fact, type Mount, type System } from '@rootless-runtime/core'
import { parseOwnCgroups, parsePamCgfs, type OwnCgroup } from './parse-proc.ts'

const OWN_CGROUP = '/proc/self/cgroup'
const MOUNT_INFO = '/proc/self/mountinfo'
const PAM_FILES = ['/etc/pam.d/common-session', '/etc/pam.d/common-session-noninteractive', '/etc/pam.d/system-auth']

export async function probeCgroup(system: System, mounts: Fact<readonly Mount[]>): Promise<CgroupFacts> {
  const [own, pamCgfs] = await Promise.all([system.readText(OWN_CGROUP), probePamCgfs(system)])
  if (mounts.status === 'unknown') return { ...nothingKnown(mounts.reason), pamCgfs }
  const unified = mounts.value.find(({ type }) => type === 'cgroup2')
  const legacy = mounts.value.filter(({ type }) => type === 'cgroup')
  const layout = legacy.length === 0 && unified ? 'v2' : unified ? 'hybrid' : 'v1'
  const groups = own.status === 'ok' ? parseOwnCgroups(own.value) : []
  const ownGroup =
    layout === 'v2'
      ? groups.find(({ controllers }) => controllers.length === 0)
      : groups.find(({ controllers }) => controllers.includes('memory'))
  const delegated = layout === 'v2' ? probeUnified(system, unified, ownGroup) : probeLegacy(system, legacy, groups)
  return {
    layout:
      legacy.length === 0 && !unified ? unknownFact('no cgroup file system is mounted', MOUNT_INFO) : known(layout, MOUNT_INFO),
    unifiedMountPoint: known(unified?.mountPoint ?? null, MOUNT_INFO),
    ownPath: ownGroup
      ? known(ownGroup.path, OWN_CGROUP)
      : unknownFact(own.status === 'ok' ? 'no group of this process is listed' : own.reason, OWN_CGROUP),
    delegatedControllers: await delegated,
    pamCgfs,
  }
}

function nothingKnown(reason: string): Omit<CgroupFacts, 'pamCgfs'> {
  const fact = unknownFact(reason, MOUNT_INFO)
  return { layout: fact, unifiedMountPoint: fact, ownPath: fact, delegatedControllers: fact }
}

/** v2: what systemd hands to the user's manager, else what the group of this process has when the user may write it. */
async function probeUnified(
  system: System,
  unified: Mount | undefined,
  own: OwnCgroup | undefined,
): Promise<Fact<readonly string[]>> {
  if (unified === undefined) return unknownFact('no cgroup2 mount', MOUNT_INFO)
  const { uid } = system.user
  const managed = `${unified.mountPoint}/user.slice/user-${uid}.slice/user@${uid}.service`
  const candidates = own === undefined ? [managed] : [managed, `${unified.mountPoint}${own.path}`]
  for (const group of candidates) {
    const [status, controllers] = await Promise.all([
      system.status(`${group}/cgroup.procs`),
      system.readText(`${group}/cgroup.controllers`),
    ])
    if (status.status === 'ok' && status.value.writable && controllers.status === 'ok') {
      return known(words(controllers.value), `${group}/cgroup.controllers`)
    }
  }
  return known([], `no group that ${system.user.name} may write: ${candidates.join(', ')}`)
}

/**
 * v1: the hierarchies in which the user may make groups below the one that this process is in. pam_cgfs.so gives the folder and
 * not its files: a group made in it is the user's own.
 */
async function probeLegacy(
  system: System,
  legacy: readonly Mount[],
  groups: readonly OwnCgroup[],
): Promise<Fact<readonly string[]>> {
  const checked = await Promise.all(
    groups.map(async ({ controllers, path }) => {
      const mount = legacy.find(
        ({ superOptions }) => controllers.length > 0 && controllers.every((name) => superOptions.includes(name)),
      )
      if (mount === undefined) return []
      const status = await system.status(`${mount.mountPoint}${path === '/' ? '' : path}`)
      return status.status === 'ok' && status.value.writable ? controllers.filter((name) => !name.startsWith('name=')) : []
    }),
  )
  return known(checked.flat().toSorted(), `${OWN_CGROUP}: groups of v1 hierarchies in which ${system.user.name} may make groups`)
}

async function probePamCgfs(system: System): Promise<CgroupFacts['pamCgfs']> {
  const answers: readonly (readonly [string, Answer<string>])[] = await Promise.all(
    PAM_FILES.map(async (path) => [path, await system.readText(path)] as const),
  )
  for (const [path, answer] of answers) {
    const controllers = answer.status === 'ok' ? parsePamCgfs(answer.value) : undefined
    if (controllers !== undefined) return known({ enabled: true, controllers }, path)
  }
  const unread = answers.find(([, answer]) => answer.status === 'denied' || answer.status === 'failed')
  return unread
    ? unknownFact('a PAM session file could not be read', unread[0])
    : known({ enabled: false, controllers: [] }, PAM_FILES.join(', '))
}

function words(text: string): readonly string[] {
  return text
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== '')
}

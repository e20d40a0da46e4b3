import type { Machine } from '@rootless-runtime/core'

/** Which cgroups a container of this process would get, and what LXC has to be started by for it. */
export interface CgroupScope {
  /** `null` where limits would make the start fail or be dropped: nothing is delegated. */
  readonly version: 'v1' | 'v2' | null
  /** Words before `lxc-start`. */
  readonly start: readonly string[]
  /** Words before `lxc-attach`. */
  readonly attach: readonly string[]
}

/**
 * liblxc of Debian 12 does not ask systemd for a scope; without one the container stays in the caller's session, and its limits are
 * dropped without a word. What is started in a scope can be entered only from below the same manager, by a scope too.
 */
const SCOPE: readonly string[] = ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes', '--']

const NONE: CgroupScope = { version: null, start: [], attach: [] }

export async function readCgroupScope(machine: Machine): Promise<CgroupScope> {
  const { environment, user } = machine
  const [unified, own] = await Promise.all([
    machine.status('/sys/fs/cgroup/cgroup.controllers'),
    machine.readText('/proc/self/cgroup'),
  ])
  const ownGroups = own.status === 'ok' ? own.value : ''
  if (unified.status !== 'ok') return await readLegacyScope(machine, ownGroups)
  const runtimeFolder = environment['XDG_RUNTIME_DIR'] ?? `/run/user/${user.uid}`
  const [manager, program] = await Promise.all([
    machine.status(`${runtimeFolder}/systemd/private`),
    machine.findExecutable('systemd-run'),
  ])
  if (manager.status !== 'ok' || program.status !== 'ok') return { ...NONE, version: 'v2' }
  return { version: 'v2', start: SCOPE, attach: ownGroups.includes(`/user@${user.uid}.service/`) ? [] : SCOPE }
}

/** On cgroup v1 a group that this user may write was given at login (libpam-cgfs) or by hand; LXC finds it by itself. */
async function readLegacyScope(machine: Machine, ownGroups: string): Promise<CgroupScope> {
  const path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/mu.exec(ownGroups)?.[1]
  if (path === undefined || path === '/') return NONE
  const folder = await machine.status(`/sys/fs/cgroup/memory${path}`)
  return folder.status === 'ok' && folder.value.writable ? { ...NONE, version: 'v1' } : NONE
}

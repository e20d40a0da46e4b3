import {
  DEVICE_NAMES,
  findMount,
  known,
  parseMountInfo,
  printable,
  SYSCTL_ABSENT,
  SYSCTL_NAMES,
  unknownFact,
  type Answer,
  type DeviceFact,
  type DeviceName,
  type Fact,
  type HomeFacts,
  type HostFacts,
  type Mount,
  type SessionFacts,
  type SysctlName,
  type System,
  type SystemFacts,
} from '@rootless-runtime/core'
import { judgeConditions, judgeRuntimeDirectory } from './judge-conditions.ts'
import { parseLxcUsernet, parseOsRelease, parseSubordinateIds } from './parse-proc.ts'
import { attemptOverlay, attemptUserNamespace } from './probe-attempts.ts'
import { probeCgroup } from './probe-cgroup.ts'
import { probeTools } from './probe-tools.ts'

const CONNECT_TIMEOUT_MS = 1000

/**
 * What this host offers to containers without root, for the user of `system`: read where reading tells, tried where trying is
 * cheap. Writes nothing but a temporary folder that it removes.
 */
export async function probeHost(system: System): Promise<HostFacts> {
  const { user } = system
  const runtimeDirectory = readRuntimeDirectory(system)
  const [mounts, devices, sysctls, systemFacts, session, userIds, groupIds, usernet] = await Promise.all([
    readFact(system, '/proc/self/mountinfo', parseMountInfo),
    probeDevices(system),
    probeSysctls(system),
    probeSystem(system),
    probeSession(system),
    readFact(system, '/etc/subuid', (text) => parseSubordinateIds(text, user), []),
    readFact(system, '/etc/subgid', (text) => parseSubordinateIds(text, user), []),
    readFact(system, '/etc/lxc/lxc-usernet', parseLxcUsernet, []),
  ])
  // Starting a process holds this one up for a millisecond or two; the engines, asked beside, have theirs by now.
  const [attempts, overlayInUserNamespace, tools, cgroup, home] = await Promise.all([
    attemptUserNamespace(system),
    attemptOverlay(system),
    probeTools(system),
    probeCgroup(system, mounts),
    probeHome(system, mounts),
  ])
  const facts = {
    user: { uid: user.uid, gid: user.gid, name: printable(user.name), homeDirectory: printable(user.homeDirectory) },
    system: systemFacts,
    cgroup,
    session,
    userNamespace: { ...attempts, subordinateUserIds: userIds, subordinateGroupIds: groupIds },
    overlayInUserNamespace,
    devices,
    tools,
    lxcUsernet: usernet,
    sysctls,
    home,
  }
  const unusable =
    runtimeDirectory === undefined ? [] : judgeRuntimeDirectory(runtimeDirectory, await system.status(runtimeDirectory))
  return { ...facts, conditions: [...judgeConditions(facts), ...unusable] }
}

// basedir-spec: a variable that is set to nothing counts as one that is not set.
function readRuntimeDirectory({ environment }: System): string | undefined {
  const folder = environment['XDG_RUNTIME_DIR']
  return folder === '' ? undefined : folder
}

async function readFact<Value>(
  system: System,
  path: string,
  parse: (text: string) => Value,
  whenAbsent?: Value,
): Promise<Fact<Value>> {
  const answer = await system.readText(path)
  if (answer.status === 'ok') return known(parse(answer.value), path)
  return answer.status === 'absent' && whenAbsent !== undefined
    ? known(whenAbsent, `${path} does not exist`)
    : unknownFact(answer.reason, path)
}

async function probeSystem(system: System): Promise<SystemFacts> {
  const [kernelRelease, distribution, cpuCount, appArmor] = await Promise.all([
    readFact(system, '/proc/sys/kernel/osrelease', (text) => printable(text)),
    readFact(system, '/etc/os-release', toDistribution),
    readFact(system, '/proc/cpuinfo', (text) =>
      Math.max(1, text.split('\n').filter((line) => line.startsWith('processor')).length),
    ),
    readFact(
      system,
      '/sys/module/apparmor/parameters/enabled',
      (text) => (text.trim() === 'Y' ? 'enabled' : 'disabled') as 'enabled' | 'disabled',
      'disabled',
    ),
  ])
  return { kernelRelease, distribution, cpuCount, appArmor }
}

function toDistribution(text: string): { readonly id: string; readonly versionId: string; readonly prettyName: string } {
  const entries = parseOsRelease(text)
  const word = (key: string): string => printable(entries.get(key) ?? '')
  return { id: word('ID'), versionId: word('VERSION_ID'), prettyName: word('PRETTY_NAME') }
}

async function probeSession(system: System): Promise<SessionFacts> {
  const variable = readRuntimeDirectory(system)
  // Where pam_systemd(8) makes it, whatever the variable says: systemd --user has its socket there.
  const own = `/run/user/${system.user.uid}`
  const [initial, userManager, linger, dbus] = await Promise.all([
    readFact(system, '/proc/1/comm', (text) => text.trim() === 'systemd'),
    probeListener(system, `${own}/systemd/private`),
    exists(await system.status(`/var/lib/systemd/linger/${system.user.name}`), '/var/lib/systemd/linger'),
    probeListener(system, `${variable ?? own}/bus`),
  ])
  return {
    systemd: initial,
    userManager,
    linger,
    dbus,
    runtimeDirectory: known(variable === undefined ? null : printable(variable), 'XDG_RUNTIME_DIR'),
  }
}

/** Whether somebody listens on a socket: asked by connecting and hanging up. */
async function probeListener(system: System, path: string): Promise<Fact<boolean>> {
  const answer = await system.connect(path, { timeoutMs: CONNECT_TIMEOUT_MS })
  if (answer.status === 'ok') answer.value.destroy()
  return exists(answer, path)
}

function exists(answer: Answer<unknown>, source: string): Fact<boolean> {
  if (answer.status === 'ok') return known(true, source)
  return answer.status === 'absent' ? known(false, answer.reason) : unknownFact(answer.reason, source)
}

async function probeDevices(system: System): Promise<Readonly<Record<DeviceName, Fact<DeviceFact>>>> {
  const facts = await Promise.all(DEVICE_NAMES.map(async (path) => [path, toDevice(path, await system.status(path))] as const))
  return Object.fromEntries(facts) as Record<DeviceName, Fact<DeviceFact>>
}

function toDevice(path: DeviceName, answer: Awaited<ReturnType<System['status']>>): Fact<DeviceFact> {
  if (answer.status === 'absent') return known({ present: false }, path)
  if (answer.status !== 'ok') return unknownFact(answer.reason, path)
  const { mode, readable, writable } = answer.value
  return known({ present: true, mode: mode.toString(8).padStart(4, '0'), accessible: readable && writable }, path)
}

async function probeSysctls(system: System): Promise<Readonly<Record<SysctlName, Fact<string>>>> {
  const facts = await Promise.all(
    SYSCTL_NAMES.map(async (name) => {
      const path = `/proc/sys/${name.replaceAll('.', '/')}`
      return [name, await readFact(system, path, (text) => printable(text.replaceAll('\t', ' ')), SYSCTL_ABSENT)] as const
    }),
  )
  return Object.fromEntries(facts) as Record<SysctlName, Fact<string>>
}

async function probeHome(system: System, mounts: Fact<readonly Mount[]>): Promise<HomeFacts> {
  const home = system.user.homeDirectory
  const [real, free, status] = await Promise.all([system.realPath(home), system.freeBytes(home), system.status(home)])
  const mount = mounts.status === 'known' && real.status === 'ok' ? findMount(mounts.value, real.value) : undefined
  return {
    fileSystem: mount
      ? known(
          {
            type: printable(mount.type),
            mountPoint: printable(mount.mountPoint),
            options: [...mount.options, ...mount.superOptions].map((word) => printable(word)),
          },
          '/proc/self/mountinfo',
        )
      : unknownFact(real.status === 'ok' ? 'no mount holds it' : real.reason, home),
    freeBytes: free.status === 'ok' ? known(free.value, `statvfs ${home}`) : unknownFact(free.reason, home),
    passableByOthers: status.status === 'ok' ? known((status.value.mode & 0o001) !== 0, home) : unknownFact(status.reason, home),
  }
}

import {
  knownValue,
  printable,
  setupFix,
  type Answer,
  type DeviceName,
  type FileStatus,
  type Fix,
  type HostCondition,
  type HostConditionName,
  type HostFacts,
} from '@rootless-runtime/core'

const NETWORK_FILE_SYSTEMS: ReadonlySet<string> = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  'fuse.sshfs',
  '9p',
  'lustre',
  'beegfs',
  'ceph',
  'glusterfs',
  'afs',
])
const SMALL_HOME_BYTES = 1024 ** 3

/** What on this host will hurt, judged from its facts. */
export function judgeConditions(host: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  return [...judgeUser(host), ...judgeHome(host), ...judgeSession(host), ...judgeDevices(host), ...judgeCgroup(host)]
}

function condition(name: HostConditionName, message: string, source: string, fix?: Fix): readonly HostCondition[] {
  return [fix === undefined ? { name, message, source } : { name, message, source, fix }]
}

function judgeUser({ user, userNamespace }: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  const { subordinateUserIds: ranges, uidMapWritten } = userNamespace
  const attempt = knownValue(uidMapWritten)
  return [
    ...(user.uid === 0
      ? condition(
          'running-as-root',
          'asked as root: rootless engines belong to an ordinary user; choose one with --user',
          'uid 0',
        )
      : []),
    ...(user.uid !== 0 && ranges.status === 'known' && ranges.value.length === 0
      ? condition(
          'no-subordinate-ids',
          `${user.name} has no subordinate ids: images whose files have other owners do not run`,
          ranges.source,
          setupFix('give the user subordinate ids'),
        )
      : []),
    ...(attempt?.worked === false
      ? condition('no-user-namespaces', `user namespaces do not work: ${attempt.reason}`, uidMapWritten.source)
      : []),
  ]
}

function judgeHome({ home, user }: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  const fileSystem = knownValue(home.fileSystem)
  const free = knownValue(home.freeBytes)
  return [
    ...(fileSystem && NETWORK_FILE_SYSTEMS.has(fileSystem.type)
      ? condition(
          'home-on-network-file-system',
          `the home folder is on ${fileSystem.type}: no overlay and no other owners there`,
          home.fileSystem.source,
        )
      : []),
    ...(fileSystem?.options.includes('noexec')
      ? condition('home-noexec', 'the home folder is mounted noexec: containers stored there cannot run', home.fileSystem.source)
      : []),
    ...(free !== undefined && free < SMALL_HOME_BYTES
      ? condition(
          'home-full',
          `only ${Math.floor(free / 1024 ** 2)} MiB are free in the home folder: images and containers will not fit`,
          home.freeBytes.source,
          toOwnFix('see what fills the home folder', ['du', '-xhd1', user.homeDirectory], ['df', '-h', user.homeDirectory]),
        )
      : []),
  ]
}

function judgeSession({ session, user }: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  const { runtimeDirectory } = session
  return [
    ...(runtimeDirectory.status === 'known' && runtimeDirectory.value === null
      ? condition(
          'runtime-directory-missing',
          'XDG_RUNTIME_DIR is not set: engines fall back to folders in /tmp or fail',
          'XDG_RUNTIME_DIR',
          toOwnFix(
            'name the runtime folder of the user',
            ['export', `XDG_RUNTIME_DIR=/run/user/${user.uid}`],
            ['ls', '-ld', `/run/user/${user.uid}`],
          ),
        )
      : []),
    ...judgeUserManager(session, user),
  ]
}

/** Only where systemd is process 1 has a user a manager that can be dead, and a login that takes the services with it. */
function judgeUserManager(
  { systemd, userManager, linger }: HostFacts['session'],
  user: HostFacts['user'],
): readonly HostCondition[] {
  if (user.uid === 0 || knownValue(systemd) !== true) return []
  const unit = `user@${user.uid}.service`
  return [
    ...(knownValue(userManager) === false
      ? condition(
          'no-user-manager',
          `the systemd of ${user.name} does not run: no engine gets a group of its own, so no limit applies`,
          userManager.source,
          {
            summary: `start the systemd of ${user.name}`,
            commands: [['systemctl', 'restart', unit]],
            needsRoot: true,
            undo: `systemctl stop ${unit}`,
            check: ['systemctl', 'is-active', unit],
          },
        )
      : []),
    ...(knownValue(linger) === false
      ? condition(
          'no-linger',
          `${user.name} does not linger: containers end at the last logout, and do not start with the host`,
          linger.source,
          {
            summary: `let what ${user.name} runs outlive the login`,
            commands: [['loginctl', 'enable-linger', user.name]],
            needsRoot: true,
            undo: `loginctl disable-linger ${user.name}`,
            check: ['loginctl', 'show-user', user.name, '--property=Linger'],
          },
        )
      : []),
  ]
}

function toOwnFix(summary: string, command: readonly string[], check: readonly string[]): Fix {
  return { summary, commands: [command], needsRoot: false, undo: 'it changes nothing that lasts', check }
}

/** XDG_RUNTIME_DIR, when it is set to a folder in which this user cannot make sockets and locks. */
export function judgeRuntimeDirectory(folder: string, answer: Answer<FileStatus>): readonly HostCondition[] {
  const why = whyUnusable(answer)
  if (why === null) return []
  return condition(
    'runtime-directory-unusable',
    `XDG_RUNTIME_DIR names ${printable(folder)}, which ${why}: engines cannot make their sockets there`,
    'XDG_RUNTIME_DIR',
    setupFix('make the runtime folder of the user'),
  )
}

function whyUnusable(answer: Answer<FileStatus>): string | null {
  if (answer.status !== 'ok') return UNUSABLE_WORDS[answer.status]
  if (answer.value.kind !== 'directory') return `is a ${answer.value.kind}, not a folder`
  return answer.value.writable ? null : 'this user may not write'
}

// A failure to look is no "no".
const UNUSABLE_WORDS: Readonly<Record<Exclude<Answer<FileStatus>['status'], 'ok'>, string | null>> = {
  absent: 'does not exist',
  denied: 'this user may not look at',
  failed: null,
}

const DEVICE_CONDITIONS: Readonly<Record<DeviceName, readonly [HostConditionName, string]>> = {
  '/dev/net/tun': ['tun-not-accessible', 'slirp4netns and pasta need it'],
  '/dev/fuse': ['fuse-not-accessible', 'fuse-overlayfs needs it'],
}

function judgeDevices({ devices }: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  return Object.entries(devices).flatMap(([path, fact]) => {
    const device = knownValue(fact)
    if (device === undefined || (device.present && device.accessible)) return []
    const [name, why] = DEVICE_CONDITIONS[path as DeviceName]
    const state = device.present ? `cannot be opened by this user (mode ${device.mode})` : 'does not exist'
    return condition(name, `${path} ${state}: ${why}`, path, setupFix(`open ${path} to users`))
  })
}

function judgeCgroup({ cgroup, session }: Omit<HostFacts, 'conditions'>): readonly HostCondition[] {
  const delegated = knownValue(cgroup.delegatedControllers)
  if (delegated === undefined || delegated.length > 0) return []
  const layout = knownValue(cgroup.layout) ?? 'unknown'
  const why =
    layout === 'v2'
      ? 'no cgroup controller is delegated to this user'
      : `the cgroup layout is ${layout}: systemd delegates controllers to users only on v2`
  const fixable = layout === 'v2' && knownValue(session.systemd) === true
  return condition(
    'no-delegated-controllers',
    `${why}; limits will not be applied`,
    cgroup.delegatedControllers.source,
    fixable ? setupFix('delegate the controllers') : undefined,
  )
}

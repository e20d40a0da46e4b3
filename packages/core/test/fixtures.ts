import {
  known,
  REPORT_VERSION,
  supported,
  unknown,
  unsupported,
  type Availability,
  type Capabilities,
  type EngineReport,
  type Fact,
  type Fix,
  type HostFacts,
  type Report,
  type ToolFact,
} from '../src/index.ts'

export const FIX: Fix = {
  summary: 'install pasta',
  commands: [['apt-get', 'install', 'passt']],
  needsRoot: true,
  undo: 'apt-get remove passt',
  check: ['pasta', '--version'],
}

const absent: Fact<ToolFact> = known({ present: false }, 'looked for it on the PATH')

function present(path: string, version: string | null, privilege: 'setuid' | 'none' = 'none'): Fact<ToolFact> {
  return known({ present: true, path, version, privilege }, path)
}

/** A Debian 12 of an ordinary user, on which everything works. */
export function createHostFacts(changes: Partial<HostFacts> = {}): HostFacts {
  const ranges = known([{ start: 100_000, count: 65_536 }], '/etc/subuid')
  const worked = known({ worked: true } as const, 'unshare --user --map-root-user true')
  return {
    user: { uid: 1000, gid: 1000, name: 'moby', homeDirectory: '/home/moby' },
    system: {
      kernelRelease: known('6.1.0-18-amd64', '/proc/sys/kernel/osrelease'),
      distribution: known({ id: 'debian', versionId: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)' }, '/etc/os-release'),
      cpuCount: known(4, '/proc/cpuinfo'),
      appArmor: known('enabled', '/sys/module/apparmor/parameters/enabled'),
    },
    cgroup: {
      layout: known('v2', '/proc/self/mountinfo'),
      unifiedMountPoint: known('/sys/fs/cgroup', '/proc/self/mountinfo'),
      ownPath: known('/user.slice/user-1000.slice/session-1.scope', '/proc/self/cgroup'),
      delegatedControllers: known(['cpu', 'memory', 'pids'], 'cgroup.controllers of user@1000.service'),
      pamCgfs: known({ enabled: false, controllers: [] }, '/etc/pam.d/common-session'),
    },
    session: {
      systemd: known(true, '/proc/1/comm'),
      userManager: known(true, '/run/user/1000/systemd/private'),
      linger: known(true, '/var/lib/systemd/linger'),
      dbus: known(true, '/run/user/1000/bus'),
      runtimeDirectory: known('/run/user/1000', 'XDG_RUNTIME_DIR'),
    },
    userNamespace: { created: worked, uidMapWritten: worked, subordinateUserIds: ranges, subordinateGroupIds: ranges },
    overlayInUserNamespace: known({ worked: true }, 'mount -t overlay'),
    devices: {
      '/dev/fuse': known({ present: true, mode: '0666', accessible: true }, '/dev/fuse'),
      '/dev/net/tun': known({ present: true, mode: '0666', accessible: true }, '/dev/net/tun'),
    },
    tools: {
      newuidmap: present('/usr/bin/newuidmap', null, 'setuid'),
      newgidmap: present('/usr/bin/newgidmap', null, 'setuid'),
      slirp4netns: present('/usr/bin/slirp4netns', '1.2.0'),
      pasta: absent,
      'lxc-user-nic': present('/usr/libexec/lxc/lxc-user-nic', null, 'setuid'),
      vpnkit: absent,
      'gvisor-tap-vsock': absent,
      'fuse-overlayfs': present('/usr/bin/fuse-overlayfs', '1.10'),
      crun: present('/usr/bin/crun', '1.8.1'),
      runc: present('/usr/sbin/runc', '1.1.5'),
      rootlesskit: present('/usr/bin/rootlesskit', '1.1.0'),
    },
    lxcUsernet: known([{ who: 'moby', type: 'veth', bridge: 'lxcbr0', count: 10 }], '/etc/lxc/lxc-usernet'),
    sysctls: {
      'net.ipv4.ping_group_range': known('0 2147483647', '/proc/sys/net/ipv4/ping_group_range'),
      'net.ipv4.ip_unprivileged_port_start': known('1024', '/proc/sys/net/ipv4/ip_unprivileged_port_start'),
      'kernel.unprivileged_userns_clone': known('absent', '/proc/sys/kernel/unprivileged_userns_clone does not exist'),
      'kernel.apparmor_restrict_unprivileged_userns': known('absent', '/proc/sys does not have it'),
      'user.max_user_namespaces': known('15000', '/proc/sys/user/max_user_namespaces'),
    },
    home: {
      fileSystem: known({ type: 'ext4', mountPoint: '/', options: ['rw', 'relatime'] }, '/proc/self/mountinfo'),
      freeBytes: known(50 * 1024 ** 3, 'statvfs /home/moby'),
      passableByOthers: known(true, '/home/moby'),
    },
    conditions: [],
    ...changes,
  }
}

const NETWORKING: Capabilities['networking'] = {
  driver: supported('slirp4netns', 'info: network = slirp4netns'),
  drivers: {
    slirp4netns: supported('in use', 'info: network = slirp4netns'),
    pasta: unsupported('pasta is not installed', 'looked for pasta on the PATH', FIX),
    'lxc-user-nic': supported('available', '/etc/lxc/lxc-usernet'),
    vpnkit: unsupported('vpnkit is not installed', 'looked for vpnkit on the PATH'),
    'gvisor-tap-vsock': unknown('nobody asked'),
    host: supported('available', 'the engine documents it'),
    none: supported('available', 'the engine documents it'),
  },
  portDriver: supported('builtin', 'info: port driver = builtin'),
  mtuBytes: supported(65_520, 'process arguments'),
  properties: {
    publish: supported(true, 'port driver builtin'),
    'publish-privileged': unsupported('ports below 1024 are for root', 'ip_unprivileged_port_start = 1024'),
    'source-address': unsupported('builtin shows its own address', 'port driver builtin'),
    udp: supported(true, 'port driver builtin'),
    ipv6: unsupported('slirp4netns has no IPv6 here', 'process arguments'),
    ping: supported(true, 'ping_group_range = 0 2147483647'),
    'reach-host': unknown('nobody tried'),
    'name-resolution': supported(true, 'the engine has a DNS server'),
  },
}

const STORAGE: Capabilities['storage'] = {
  driver: supported('overlay', 'info: Driver = overlay2', { note: 'since Linux 5.11' }),
  drivers: {
    overlay: supported('in use', 'info: Driver = overlay2'),
    'fuse-overlayfs': supported('available', '/usr/bin/fuse-overlayfs 1.10'),
    btrfs: unsupported('the folder is on ext4, not on btrfs', '/proc/self/mountinfo'),
    vfs: supported('available', 'built in'),
    dir: unsupported('this engine has no such driver', 'its documentation'),
  },
  backingFileSystem: supported('ext4', '/proc/self/mountinfo'),
  layers: supported('shared', 'overlay'),
}

const CGROUP: Capabilities['cgroup'] = {
  version: supported('v2', 'info: CgroupVersion = 2'),
  versions: {
    v2: supported('in use', '/proc/self/mountinfo'),
    hybrid: unsupported('this host was booted with cgroup v2', '/proc/self/mountinfo'),
    v1: unsupported('this host was booted with cgroup v2', '/proc/self/mountinfo'),
  },
  manager: supported('systemd', 'info: CgroupDriver = systemd'),
  managers: {
    systemd: supported('in use', 'info: CgroupDriver = systemd'),
    cgroupfs: supported('available', 'its documentation'),
    pam: unsupported('libpam-cgfs is not called', '/etc/pam.d/common-session'),
    none: supported('available', 'its documentation'),
  },
  controllers: supported(['cpu', 'memory', 'pids'], 'cgroup.controllers'),
  limits: {
    memory: supported(true, 'cgroup.controllers'),
    cpu: supported(true, 'cgroup.controllers'),
    pids: supported(true, 'cgroup.controllers'),
    io: unsupported('the io controller is not delegated', 'cgroup.controllers', FIX),
    cpuset: unknown('nobody could look'),
  },
}

export interface CapabilityChanges {
  readonly networking?: Partial<Capabilities['networking']>
  readonly storage?: Partial<Capabilities['storage']>
  readonly cgroup?: Partial<Capabilities['cgroup']>
}

/** Capabilities with all three answers in them: supported, unsupported with a fix, and unknown. */
export function createCapabilities(changes: CapabilityChanges = {}): Capabilities {
  return {
    networking: { ...NETWORKING, ...changes.networking },
    storage: { ...STORAGE, ...changes.storage },
    cgroup: { ...CGROUP, ...changes.cgroup },
  }
}

export const AVAILABLE: Availability = {
  status: 'available',
  version: '20.10.24',
  endpoint: 'unix:///run/user/1000/docker.sock',
  places: [{ place: 'DOCKER_HOST', answer: 'not set', verdict: 'absent' }],
}

export const UNAVAILABLE: Availability = {
  status: 'unavailable',
  reason: 'podman is not on the PATH',
  places: [{ place: 'podman', answer: 'not on the PATH', verdict: 'absent' }],
  fix: { ...FIX, summary: 'install Podman' },
}

export const NOT_KNOWN: Availability = { status: 'unknown', reason: 'lxc-start --version did not end in time', places: [] }

/** Docker that works, Podman that is not there, and LXC that nobody could ask. */
export const THREE_ENGINES: readonly EngineReport[] = [
  { engine: 'docker', availability: AVAILABLE, capabilities: createCapabilities() },
  { engine: 'podman', availability: UNAVAILABLE, capabilities: null },
  { engine: 'lxc', availability: NOT_KNOWN, capabilities: null },
]

export function createReport(engines: readonly EngineReport[] = THREE_ENGINES, host: HostFacts = createHostFacts()): Report {
  return { reportVersion: REPORT_VERSION, toolVersion: '0.0.0', createdAt: '2026-01-02T03:04:05.678Z', host, engines }
}

/** A report in which one engine has the given capabilities. */
export function createReportOf(changes: CapabilityChanges): Report {
  return createReport([{ engine: 'docker', availability: AVAILABLE, capabilities: createCapabilities(changes) }])
}

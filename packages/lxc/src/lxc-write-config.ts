import type { LimitPlan } from '@rootless-runtime/core'
import type { LxcRecord } from './lxc-record.ts'
import type { InsideUser } from './lxc-user.ts'

/** What a configuration is written from, beside the record. */
export interface ConfigSource {
  readonly record: LxcRecord
  readonly user: InsideUser
  readonly hook: string
  /** Whether a part of ours prepares the namespaces before the command runs. */
  readonly waitsForRelease: boolean
  readonly cgroup: 'v2' | 'v1' | null
  readonly seccompProfile: string | null
  readonly appArmorProfile: string
}

/** A configuration: its file, and what no file can say, for `lxc-start -s KEY=VALUE`. */
export interface WrittenConfig {
  readonly text: string
  readonly defines: readonly string[]
}

interface Entry {
  readonly key: string
  readonly value: string
}

/** What Docker leaves a container (20.10, oci/caps/defaults.go), by LXC's names. */
const DEFAULT_CAPABILITIES = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write',
]

/** The kernel's scheduler period in microseconds, as Docker and Podman set it for `--cpus`. */
const CPU_PERIOD_MICROSECONDS = 100_000

export function writeConfig(source: ConfigSource): WrittenConfig {
  const entries = toEntries(source)
  const lines = entries.filter(({ value }) => isOneLine(value)).map(({ key, value }) => `${key} = ${quote(value)}`)
  return {
    text: [...lines, ...(source.record.lines ?? []), ''].join('\n'),
    defines: entries.filter(({ value }) => !isOneLine(value)).map(({ key, value }) => `${key}=${value}`),
  }
}

function isOneLine(value: string): boolean {
  return !value.includes('\n')
}

// liblxc cuts blanks at both ends and strips one pair of quotes; what stands between them is kept as it is (confile.c, parse_line).
function quote(value: string): string {
  return `"${value}"`
}

function toEntries(source: ConfigSource): readonly Entry[] {
  const { record, user, hook, waitsForRelease, cgroup, seccompProfile, appArmorProfile } = source
  return [
    // Standard streams are those of lxc-start then, unless there is a terminal.
    ...(record.terminal ? [] : [entry('lxc.console.path', 'none')]),
    entry('lxc.tty.max', '0'),
    entry('lxc.pty.max', '1024'),
    entry('lxc.uts.name', record.hostname),
    ...record.idMaps.map(({ kind, inside, outside, count }) => entry('lxc.idmap', `${kind} ${inside} ${outside} ${count}`)),
    entry('lxc.mount.auto', 'proc:mixed sys:mixed cgroup:mixed'),
    entry('lxc.mount.entry', 'tmpfs dev/shm tmpfs rw,nosuid,nodev,noexec,create=dir,size=65536k,mode=1777 0 0'),
    entry('lxc.mount.entry', 'mqueue dev/mqueue mqueue rw,nosuid,nodev,noexec,create=dir,optional 0 0'),
    entry('lxc.no_new_privs', '1'),
    entry('lxc.apparmor.profile', appArmorProfile),
    ...(seccompProfile === null ? [] : [entry('lxc.seccomp.profile', seccompProfile)]),
    entry('lxc.cap.keep', toCapabilities(record.dropCapabilities)),
    ...Object.entries(record.environment).map(([name, value]) => entry('lxc.environment', `${name}=${value}`)),
    ...('HOME' in record.environment ? [] : [entry('lxc.environment', `HOME=${user.home}`)]),
    entry('lxc.init.uid', String(user.uid)),
    entry('lxc.init.gid', String(user.gid)),
    entry('lxc.init.cwd', record.workdir),
    entry('lxc.hook.version', '1'),
    ...(waitsForRelease ? [entry('lxc.hook.start-host', toShellWord(hook))] : []),
    ...(cgroup !== null && record.limits.memoryBytes !== null ? [entry('lxc.hook.stop', toShellWord(hook))] : []),
    ...(cgroup === null ? [] : toLimitEntries(record.limits, cgroup)),
  ]
}

function entry(key: string, value: string): Entry {
  return { key, value }
}

function toCapabilities(dropped: readonly string[]): string {
  const names = new Set(dropped.map((name) => name.toLowerCase()))
  const kept = names.has('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !names.has(name))
  return kept.length === 0 ? 'none' : kept.join(' ')
}

// liblxc gives a hook to popen(3): a path with a blank is a word only in quotes.
function toShellWord(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`
}

function toLimitEntries(limits: LimitPlan, cgroup: 'v1' | 'v2'): readonly Entry[] {
  const prefix = cgroup === 'v2' ? 'lxc.cgroup2' : 'lxc.cgroup'
  const values = cgroup === 'v2' ? toUnifiedLimits(limits) : toLegacyLimits(limits)
  return values.flatMap(([file, value]) => (value === null ? [] : [entry(`${prefix}.${file}`, value)]))
}

type LimitFile = readonly [file: string, value: string | null]

function toUnifiedLimits({ memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight }: LimitPlan): readonly LimitFile[] {
  return [
    ['memory.max', toText(memoryBytes)],
    ['memory.swap.max', toText(swapBytes)],
    ['cpu.max', cpus === null ? null : `${Math.round(cpus * CPU_PERIOD_MICROSECONDS)} ${CPU_PERIOD_MICROSECONDS}`],
    ['pids.max', toText(pids)],
    ['cpuset.cpus', cpuset],
    // Docker's 10 to 1000 on the kernel's 1 to 10000, as runc does it.
    ['io.weight', ioWeight === null ? null : String(Math.floor(1 + ((ioWeight - 10) * 9999) / 990))],
  ]
}

function toLegacyLimits({ memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight }: LimitPlan): readonly LimitFile[] {
  return [
    ['memory.limit_in_bytes', toText(memoryBytes)],
    // v1 counts memory and swap as one.
    ['memory.memsw.limit_in_bytes', memoryBytes === null || swapBytes === null ? null : String(memoryBytes + swapBytes)],
    ['cpu.cfs_period_us', cpus === null ? null : String(CPU_PERIOD_MICROSECONDS)],
    ['cpu.cfs_quota_us', cpus === null ? null : String(Math.round(cpus * CPU_PERIOD_MICROSECONDS))],
    ['pids.max', toText(pids)],
    ['cpuset.cpus', cpuset],
    ['blkio.weight', toText(ioWeight)],
  ]
}

function toText(value: number | null): string | null {
  return value === null ? null : String(value)
}

/**
 * What LXC runs at two moments: before the command, to wait for whoever prepares the namespaces, and after it, while its cgroup is
 * still there. A supervisor that is gone closes the pipe, and the start fails.
 */
export const HOOK_SCRIPT = `#!/bin/sh
cd "\${0%/*}" || exit 1
case $LXC_HOOK_TYPE in
  start-host) printf '%s\\n' "$LXC_PID" >pid && read -r answer <go && [ "$answer" = go ] ;;
  stop) read -r group <../cgroup && cat "$group/memory.events" "$group/memory.oom_control" >../memory.events 2>/dev/null || : ;;
esac
`

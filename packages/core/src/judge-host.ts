import type { DriverUse } from './capabilities.ts'
import type { Fact } from './fact.ts'
import { supported, unknown, unsupported, type Finding, type Fix } from './finding.ts'
import type { DeviceName, HostFacts, SysctlName, ToolName } from './host-facts.ts'
import type { Mount } from './mount.ts'
import { setupFix } from './setup-fix.ts'

// What a host lets every engine do alike: judged once, here, from the host's facts.

/** The kernel's overlay inside a user namespace, as it was tried. */
export function judgeKernelOverlay({ overlayInUserNamespace: fact }: HostFacts): Finding<DriverUse> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  if (fact.value.worked) return supported('available', `tried: ${fact.source}`)
  return unsupported(
    `the kernel does not mount an overlay in a user namespace (Linux 5.11 is the first): ${fact.value.reason}`,
    fact.source,
  )
}

/** fuse-overlayfs: the program, and /dev/fuse open to this user. Without the second an engine names it and runs nothing. */
export function judgeFuseOverlay(host: HostFacts): Finding<DriverUse> {
  return both(judgeTool(host, 'fuse-overlayfs'), judgeDevice(host, '/dev/fuse'))
}

/** btrfs subvolumes as an ordinary user: the file system of the engine's folder, mounted `user_subvol_rm_allowed`. */
export function judgeBtrfs(mount: Fact<Mount>): Finding<DriverUse> {
  if (mount.status === 'unknown') return unknown(mount.reason)
  const { type, options, superOptions, mountPoint } = mount.value
  if (type !== 'btrfs') return unsupported(`the engine's folder is on ${type}, not on btrfs`, mount.source)
  if ([...options, ...superOptions].includes('user_subvol_rm_allowed')) return supported('available', mount.source)
  return unsupported(`${mountPoint} is not mounted with user_subvol_rm_allowed`, mount.source)
}

/** A user-mode network: the program, and /dev/net/tun open to this user. */
export function judgeUserModeNetwork(host: HostFacts, tool: 'slirp4netns' | 'pasta'): Finding<DriverUse> {
  return both(judgeTool(host, tool), judgeDevice(host, '/dev/net/tun'))
}

/** A real veth made by the setuid lxc-user-nic(1): the program, a line for this user in lxc-usernet(5), and the bridge. */
export function judgeLxcUserNic(host: HostFacts, bridge: string, bridgePresent: Fact<boolean>): Finding<DriverUse> {
  const tool = judgeTool(host, 'lxc-user-nic')
  const toolFact = host.tools['lxc-user-nic']
  if (tool.status !== 'supported' || toolFact.status === 'unknown' || !toolFact.value.present) return tool
  if (toolFact.value.privilege !== 'setuid')
    return unsupported(`${toolFact.value.path} is not setuid root`, toolFact.source, setupFix('let users make a veth', 'lxc'))
  if (host.lxcUsernet.status === 'unknown') return unknown(host.lxcUsernet.reason)
  const line = host.lxcUsernet.value.find(
    ({ who, type, bridge: name, count }) => who === host.user.name && type === 'veth' && name === bridge && count > 0,
  )
  const groups = host.lxcUsernet.value.some(
    ({ who, type, bridge: name }) => who.startsWith('@') && type === 'veth' && name === bridge,
  )
  if (line === undefined && groups)
    return unknown(`${host.lxcUsernet.source} allows a group on ${bridge}; nobody looked up its members`)
  if (line === undefined)
    return unsupported(
      `no line "${host.user.name} veth ${bridge} COUNT" in ${host.lxcUsernet.source}`,
      host.lxcUsernet.source,
      setupFix(`let ${host.user.name} make veths on ${bridge}`, 'lxc'),
    )
  if (bridgePresent.status === 'unknown') return unknown(bridgePresent.reason)
  if (!bridgePresent.value)
    return unsupported(`the bridge ${bridge} does not exist`, bridgePresent.source, setupFix(`start the bridge ${bridge}`, 'lxc'))
  return supported('available', `${host.lxcUsernet.source}: ${line.who} ${line.type} ${line.bridge} ${line.count}`)
}

/** Whether a listener of this user may bind a port below 1024: ip(7), net.ipv4.ip_unprivileged_port_start. */
export function judgePrivilegedPorts({ sysctls }: HostFacts): Finding<true> {
  const name = 'net.ipv4.ip_unprivileged_port_start'
  const fact = sysctls[name]
  if (fact.status === 'unknown') return unknown(fact.reason)
  const start = Number(fact.value)
  if (!Number.isInteger(start)) return unknown(`${name} reads ${fact.value}`)
  const evidence = `${name} = ${start}`
  if (start <= 1) return supported(true, evidence)
  if (start < 1024) return supported(true, evidence, { note: `from port ${start} on` })
  return unsupported(
    `ports below ${start} are for root`,
    evidence,
    sysctlFix('let users bind ports from 80 on', name, '80', start),
  )
}

/** ICMP echo without a raw socket: the group must lie in net.ipv4.ping_group_range, icmp(7). */
export function judgePing({ sysctls, user }: HostFacts): Finding<true> {
  const name = 'net.ipv4.ping_group_range'
  const fact = sysctls[name]
  if (fact.status === 'unknown') return unknown(fact.reason)
  const [first = Number.NaN, last = Number.NaN] = fact.value.split(/\s+/u).map(Number)
  if (!Number.isInteger(first) || !Number.isInteger(last)) return unknown(`${name} reads ${fact.value}`)
  const evidence = `${name} = ${first} ${last}`
  if (first <= user.gid && user.gid <= last) return supported(true, evidence)
  return unsupported(
    `the group ${user.gid} may not send ICMP echo`,
    evidence,
    sysctlFix('let every group ping', name, '0 2147483647', `${first} ${last}`),
  )
}

/** Whether a program of our vocabulary is there. */
export function judgeTool(host: HostFacts, name: ToolName): Finding<DriverUse> {
  const fact = host.tools[name]
  if (fact.status === 'unknown') return unknown(fact.reason)
  if (!fact.value.present) return unsupported(`${name} is not installed`, fact.source)
  return supported('available', `${fact.value.path}${fact.value.version === null ? '' : ` ${fact.value.version}`}`)
}

function judgeDevice(host: HostFacts, name: DeviceName): Finding<DriverUse> {
  const fact = host.devices[name]
  if (fact.status === 'unknown') return unknown(fact.reason)
  if (!fact.value.present) return unsupported(`${name} does not exist`, fact.source)
  if (fact.value.accessible) return supported('available', `${name} ${fact.value.mode}`)
  return unsupported(`${host.user.name} may not open ${name} (mode ${fact.value.mode})`, fact.source, {
    summary: `let users open ${name}`,
    commands: [['chmod', '666', name]],
    needsRoot: true,
    undo: `chmod ${fact.value.mode} ${name}`,
    check: ['ls', '-l', name],
  })
}

/** Both must hold: the first that does not is the answer. */
function both(first: Finding<DriverUse>, second: Finding<DriverUse>): Finding<DriverUse> {
  if (first.status !== 'supported') return first
  if (second.status !== 'supported') return second
  return supported('available', `${first.evidence}; ${second.evidence}`)
}

function sysctlFix(summary: string, name: SysctlName, value: string, before: string | number): Fix {
  return {
    summary,
    commands: [['sysctl', '-w', `${name}=${value}`]],
    needsRoot: true,
    undo: `sysctl -w ${name}="${before}"; a file in /etc/sysctl.d makes it last`,
    check: ['sysctl', name],
  }
}

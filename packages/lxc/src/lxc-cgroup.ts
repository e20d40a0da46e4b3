import {
  delegationFix,
  judgeDelegatedLimit,
  judgeLayouts,
  judgeLimits,
  judgeUserManager,
  knownValue,
  markInUse,
  supported,
  unknown,
  unsupported,
  type CgroupCapabilities,
  type CgroupManager,
  type CgroupVersion,
  type DriverUse,
  type Fact,
  type Finding,
  type HostFacts,
} from '@rootless-runtime/core'
import type { LxcFacts } from './lxc-facts.ts'
import { SETUP_FIX } from './lxc-errors.ts'

/** LXC 7.0 dropped cgroup v1. */
const FIRST_WITHOUT_V1 = 7

export function toCgroup({ version: lxcVersion, linksSystemd }: LxcFacts, host: HostFacts): CgroupCapabilities {
  const { layout, delegatedControllers } = host.cgroup
  const dropped = Number.parseInt(lxcVersion, 10) >= FIRST_WITHOUT_V1
  const refusal = `LXC ${lxcVersion} has no cgroup v1`
  const versions = judgeLayouts(layout, dropped ? { hybrid: refusal, v1: refusal } : {})
  const version = toVersion(host, versions)
  const manager = toManager(host, version)
  const note = toScopeNote(linksSystemd, host)
  return {
    version,
    versions,
    manager,
    managers: markInUse(toManagers(host), manager),
    controllers:
      delegatedControllers.status === 'known'
        ? supported(delegatedControllers.value, delegatedControllers.source)
        : unknown(delegatedControllers.reason),
    limits: judgeLimits((name) => {
      if (version.status !== 'supported') return unknown('no cgroup layout is in use')
      const limit = judgeDelegatedLimit(name, version.value, delegatedControllers, delegationFix(host))
      return limit.status === 'supported' ? supported(true, limit.evidence, note) : limit
    }),
  }
}

/**
 * A login by ssh or su has a group that is root's. A liblxc that was built with systemd asks it for a scope; any other leaves the
 * container where the caller is, and drops its limits without a word (5.0.2 of Debian 12).
 */
function toScopeNote(linksSystemd: Fact<boolean>, { cgroup, session, user }: HostFacts): { readonly note?: string } {
  if (knownValue(cgroup.layout) !== 'v2' || knownValue(linksSystemd) === true) return {}
  const ownPath = knownValue(cgroup.ownPath) ?? ''
  if (ownPath.includes(`/user@${user.uid}.service/`) || knownValue(session.userManager) !== true) return {}
  const why = linksSystemd.status === 'known' ? 'this liblxc is built without systemd' : 'whether liblxc asks systemd is unknown'
  return {
    note: `only by systemd-run --user --scope -p Delegate=yes -- lxc-start: ${why}, and from this session it applies none, silently`,
  }
}

function toVersion(
  { cgroup: { layout } }: HostFacts,
  versions: Readonly<Record<CgroupVersion, Finding<DriverUse>>>,
): Finding<CgroupVersion> {
  if (layout.status === 'unknown') return unknown(layout.reason)
  const judged = versions[layout.value]
  return judged.status === 'supported' ? supported(layout.value, layout.source) : judged
}

/** Who made the cgroup that a container of this process would get: LXC itself only moves within what is writable. */
function toManager({ cgroup, session }: HostFacts, version: Finding<CgroupVersion>): Finding<CgroupManager> {
  const { delegatedControllers, pamCgfs } = cgroup
  if (version.status !== 'supported') return unknown('no cgroup layout is in use')
  if (delegatedControllers.status === 'unknown') return unknown(delegatedControllers.reason)
  const { source, value: controllers } = delegatedControllers
  if (version.value === 'v2' && session.userManager.status === 'known' && session.userManager.value)
    return supported('systemd', session.userManager.source)
  const enabled = pamCgfs.status === 'known' && pamCgfs.value.enabled
  if (controllers.length > 0) return supported(enabled && version.value !== 'v2' ? 'pam' : 'cgroupfs', source)
  const note = enabled ? 'libpam-cgfs gives a group at login (su, ssh), and this process has none' : 'no group is writable'
  return supported('none', source, { note })
}

function toManagers(host: HostFacts): Readonly<Record<CgroupManager, Finding<DriverUse>>> {
  return {
    systemd: judgeSystemd(host),
    cgroupfs: judgeCgroupfs(host.cgroup),
    pam: judgePam(host.cgroup),
    none: supported('available', 'liblxc starts a container without a writable cgroup'),
  }
}

// LXC makes its groups below the one that it was started in, when this user may write there.
function judgeCgroupfs({ delegatedControllers: fact }: HostFacts['cgroup']): Finding<DriverUse> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  return fact.value.length > 0
    ? supported('available', fact.source)
    : unsupported('no cgroup of this process is writable by this user', fact.source)
}

// liblxc asks it itself since 5.0.1 where it was built with it; systemd-run asks it for every liblxc.
function judgeSystemd(host: HostFacts): Finding<DriverUse> {
  const { layout } = host.cgroup
  if (layout.status === 'unknown') return unknown(layout.reason)
  if (layout.value !== 'v2') return unsupported('systemd delegates to users only on cgroup v2', layout.source)
  return judgeUserManager(host)
}

function judgePam({ pamCgfs, layout }: HostFacts['cgroup']): Finding<DriverUse> {
  if (pamCgfs.status === 'unknown') return unknown(pamCgfs.reason)
  if (layout.status === 'known' && layout.value === 'v2')
    return unsupported('libpam-cgfs hands out groups of cgroup v1', layout.source)
  if (!pamCgfs.value.enabled) return unsupported('libpam-cgfs is not installed', pamCgfs.source, SETUP_FIX)
  return supported('available', pamCgfs.source, { note: `at login: ${pamCgfs.value.controllers.join(', ')}` })
}

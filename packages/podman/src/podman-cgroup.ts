import {
  delegationFix,
  judgeDelegatedLimit,
  judgeIoWeight,
  judgeLayouts,
  judgeLimits,
  judgeUserManager,
  known,
  markInUse,
  supported,
  unknown,
  unknownFact,
  unsupported,
  type CgroupCapabilities,
  type CgroupManager,
  type CgroupVersion,
  type DriverUse,
  type Fact,
  type Finding,
  type HostFacts,
} from '@rootless-runtime/core'
import { SETUP_FIX } from './podman-errors.ts'
import type { PodmanFacts } from './podman-facts.ts'
import type { PodmanInfo } from './podman-info.ts'

const CONTROLLERS = 'podman info: host.cgroupControllers'

/** `host.cgroupManager` of podman info, in our words. */
const MANAGERS: ReadonlyMap<string, CgroupManager> = new Map([
  ['systemd', 'systemd'],
  ['cgroupfs', 'cgroupfs'],
])

export function toCgroup(facts: PodmanFacts, host: HostFacts): CgroupCapabilities {
  const { info } = facts
  const version = toVersion(facts, host)
  const manager = toManager(info)
  const controllers = toControllers(info, host)
  return {
    version,
    versions: markInUse(toVersions(facts, host), version),
    manager,
    managers: markInUse(toManagers(info, host), manager),
    controllers: controllers.status === 'known' ? supported(controllers.value, controllers.source) : unknown(controllers.reason),
    limits: judgeLimits((name) => {
      if (info.cgroupVersion === 'v2') {
        const allowed = judgeDelegatedLimit(name, 'v2', controllers, delegationFix(host))
        return name === 'io' ? judgeIoWeight(allowed, facts.ioWeightRefusal) : allowed
      }
      if (info.cgroupVersion === 'v1')
        return unsupported('rootless Podman ignores limits on cgroup v1', 'podman info: host.cgroupVersion = v1')
      return unknown(`podman info: host.cgroupVersion = ${info.cgroupVersion}, which we do not know`)
    }),
  }
}

/** Podman says v1 on a hybrid host; the host's own layout tells them apart. */
function toVersion(facts: PodmanFacts, { cgroup: { layout } }: HostFacts): Finding<CgroupVersion> {
  const { info } = facts
  const evidence = `podman info: host.cgroupVersion = ${info.cgroupVersion}`
  if (info.cgroupVersion === 'v2') return supported('v2', evidence)
  if (info.cgroupVersion !== 'v1') return unknown(`${evidence}, which we do not know`)
  if (layout.status === 'unknown') return unknown(`${evidence}, and hybrid or not is unknown: ${layout.reason}`)
  if (layout.value === 'v2') return unknown(`${evidence}, but the host has v2 (${layout.source})`)
  if (layout.value === 'hybrid' && refusesHybrid(facts))
    return unsupported(CRUN_ON_HYBRID, `${evidence}, host.ociRuntime = crun`, SETUP_FIX)
  const unsure = toHybridDoubt(facts)
  if (layout.value === 'hybrid' && unsure !== undefined) return unknown(`${evidence}, host.ociRuntime = crun; ${unsure}`)
  return supported(layout.value, `${evidence}; ${layout.source}`)
}

function toVersions(facts: PodmanFacts, { cgroup: { layout } }: HostFacts): Readonly<Record<CgroupVersion, Finding<DriverUse>>> {
  const versions = judgeLayouts(layout, refusesHybrid(facts) ? { hybrid: CRUN_ON_HYBRID } : {})
  const unsure = toHybridDoubt(facts)
  return unsure === undefined || versions.hybrid.status !== 'supported' ? versions : { ...versions, hybrid: unknown(unsure) }
}

/** Why nobody knows whether crun starts anything on hybrid cgroups, or `undefined`. */
function toHybridDoubt({ info, hybridControllers }: PodmanFacts): string | undefined {
  return info.ociRuntime === 'crun' && hybridControllers.status === 'unknown' ? hybridControllers.reason : undefined
}

const CRUN_ON_HYBRID = 'crun refuses hybrid cgroups, so no container starts; runc works'

// crun 1.8.1 and 1.21: "cgroups in hybrid mode not supported, drop all controllers from cgroupv2".
function refusesHybrid({ info, hybridControllers }: PodmanFacts): boolean {
  return info.ociRuntime === 'crun' && hybridControllers.status === 'known' && hybridControllers.value.length > 0
}

/** On cgroup v1 Podman names cgroupfs and makes no group: containers stay in the caller's (4.3.1, 5.4.2). */
function toManager(info: PodmanInfo): Finding<CgroupManager> {
  const evidence = `podman info: host.cgroupManager = ${info.cgroupManager}, host.cgroupVersion = ${info.cgroupVersion}`
  if (info.cgroupVersion === 'v1')
    return supported('none', evidence, { note: `it says ${info.cgroupManager}, and makes no group without root on v1` })
  const manager = MANAGERS.get(info.cgroupManager)
  return manager === undefined ? unknown(`${evidence}: not in our vocabulary`) : supported(manager, evidence)
}

function toManagers(info: PodmanInfo, host: HostFacts): Readonly<Record<CgroupManager, Finding<DriverUse>>> {
  const evidence = `podman info: host.cgroupVersion = ${info.cgroupVersion}`
  const needsV2 = unsupported('rootless Podman makes groups only on cgroup v2', evidence)
  const v2 = info.cgroupVersion === 'v2'
  return {
    systemd: v2 ? judgeUserManager(host) : needsV2,
    cgroupfs: v2 ? supported('available', 'podman(1) --cgroup-manager') : needsV2,
    pam: unsupported('Podman does not use the groups of libpam-cgfs', 'podman(1) --cgroup-manager'),
    none:
      info.ociRuntime === 'crun'
        ? supported('available', 'podman-run(1) --cgroups=disabled')
        : unsupported(
            `${info.ociRuntime} does not run with --cgroups=disabled`,
            `podman info: host.ociRuntime = ${info.ociRuntime}`,
          ),
  }
}

/**
 * Podman 3.0 does not report them: on v2 they are those that systemd delegates to the user, whose groups Podman uses; on v1 it
 * makes no group, and later versions report none.
 */
function toControllers({ cgroupControllers, cgroupVersion }: PodmanInfo, { cgroup }: HostFacts): Fact<readonly string[]> {
  if (cgroupControllers !== undefined) return known(cgroupControllers, `${CONTROLLERS}, ${cgroupVersion}`)
  if (cgroupVersion === 'v2') return cgroup.delegatedControllers
  if (cgroupVersion === 'v1') return known([], 'podman info: host.cgroupVersion = v1, where it makes no group without root')
  return unknownFact(`${CONTROLLERS} is not reported`, CONTROLLERS)
}

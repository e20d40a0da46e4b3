import {
  delegationFix,
  judgeDelegatedLimit,
  judgeIoWeight,
  judgeLayouts,
  judgeLimits,
  judgeUserManager,
  LIMIT_CONTROLLERS,
  markInUse,
  supported,
  unknown,
  unsupported,
  type CgroupCapabilities,
  type CgroupManager,
  type CgroupVersion,
  type DriverUse,
  type Finding,
  type Fix,
  type HostFacts,
  type LimitName,
} from '@rootless-runtime/core'
import type { DockerFacts } from './docker-facts.ts'
import type { DockerInfo } from './docker-info.ts'

/** `CgroupDriver` of GET /info, in our words. */
const MANAGERS: ReadonlyMap<string, CgroupManager> = new Map([
  ['systemd', 'systemd'],
  ['cgroupfs', 'cgroupfs'],
  ['none', 'none'],
])

const SILENT = 'Docker uses no cgroup here: it accepts the limit, says nothing and applies nothing'

export function toCgroup({ info, ioWeightRefusal }: DockerFacts, host: HostFacts): CgroupCapabilities {
  const version = toVersion(info, host)
  const manager = toManager(info)
  return {
    version,
    versions: markInUse(judgeLayouts(host.cgroup.layout), version),
    manager,
    managers: markInUse(toManagers(info, host), manager),
    controllers: toControllers(info, host),
    limits: judgeLimits((name) =>
      name === 'io' ? judgeIoWeight(toIoLimit(info, host), ioWeightRefusal) : toLimit(name, info, host),
    ),
  }
}

/** Docker says 1 on a hybrid host; the host's own layout tells them apart. */
function toVersion({ cgroupVersion }: DockerInfo, { cgroup: { layout } }: HostFacts): Finding<CgroupVersion> {
  if (cgroupVersion === undefined) return unknown('GET /info has no CgroupVersion')
  const evidence = `GET /info: CgroupVersion = ${cgroupVersion}`
  if (cgroupVersion === '2') return supported('v2', evidence)
  if (cgroupVersion !== '1') return unknown(`${evidence}, which we do not know`)
  if (layout.status === 'unknown') return unknown(`${evidence}, and hybrid or not is unknown: ${layout.reason}`)
  if (layout.value === 'v2') return unknown(`${evidence}, but the host has v2 (${layout.source})`)
  return supported(layout.value, `${evidence}; ${layout.source}`)
}

function toManager({ cgroupDriver }: DockerInfo): Finding<CgroupManager> {
  const evidence = `GET /info: CgroupDriver = ${cgroupDriver}`
  const manager = MANAGERS.get(cgroupDriver)
  return manager === undefined ? unknown(`${evidence}, which is not in our vocabulary`) : supported(manager, evidence)
}

function toManagers({ cgroupVersion }: DockerInfo, host: HostFacts): Readonly<Record<CgroupManager, Finding<DriverUse>>> {
  return {
    systemd:
      cgroupVersion === '2'
        ? judgeUserManager(host)
        : unsupported('native.cgroupdriver=systemd requires cgroup v2 for rootless mode', 'dockerd --exec-opt'),
    cgroupfs: unknown('dockerd starts with native.cgroupdriver=cgroupfs; nobody has looked what its containers get'),
    pam: unsupported('Docker does not use the groups of libpam-cgfs', 'dockerd --exec-opt'),
    none: unsupported('Docker chooses it itself when it may use no cgroup', 'dockerd --exec-opt'),
  }
}

/** GET /info names no controllers: those that the host delegates, unless Docker uses no cgroup at all. */
function toControllers({ cgroupDriver }: DockerInfo, { cgroup }: HostFacts): Finding<readonly string[]> {
  if (cgroupDriver === 'none') return supported([], 'GET /info: CgroupDriver = none')
  const { delegatedControllers: fact } = cgroup
  return fact.status === 'known' ? supported(fact.value, fact.source) : unknown(fact.reason)
}

function toLimit(name: Exclude<LimitName, 'io'>, info: DockerInfo, host: HostFacts): Finding<true> {
  if (info.cgroupDriver === 'none') return unsupported(SILENT, 'GET /info: CgroupDriver = none')
  const field = FLAGS[name]
  const evidence = `GET /info: ${field} = ${info.applies[name]}`
  const now = info.cgroupDriver === 'systemd' ? host.cgroup.delegatedControllers : null
  const controller = LIMIT_CONTROLLERS[name].v2
  if (now?.status === 'known' && now.value.includes(controller) !== info.applies[name])
    return toStaleLimit(controller, info.applies[name], `${evidence}; ${now.source}: ${now.value.join(' ') || 'none'}`, host)
  if (info.applies[name]) return supported(true, evidence)
  return unsupported(`the ${LIMIT_CONTROLLERS[name].v2} controller is not delegated to Docker`, evidence, delegationFix(host))
}

/** dockerd looks once, when it starts: what was delegated or taken away since, it does not see. */
function toStaleLimit(controller: string, claimed: boolean, evidence: string, host: HostFacts): Finding<true> {
  if (claimed)
    return unsupported(
      `Docker says that it applies it, and the ${controller} controller is not delegated any more`,
      evidence,
      delegationFix(host),
    )
  return unsupported(`the ${controller} controller was delegated after Docker started`, evidence, RESTART)
}

const RESTART: Fix = {
  summary: 'let Docker see what is delegated to it now; its containers stop',
  commands: [['systemctl', '--user', 'restart', 'docker']],
  needsRoot: false,
  undo: 'nothing: containers with a restart policy start again',
  check: ['docker', 'info'],
}

const FLAGS: Readonly<Record<Exclude<LimitName, 'io'>, string>> = {
  memory: 'MemoryLimit',
  cpu: 'CpuCfsQuota',
  pids: 'PidsLimit',
  cpuset: 'CPUSet',
}

/** GET /info has no flag for it; without the controller it warns `No io.max (rbps) support` (20.10). */
function toIoLimit({ cgroupDriver, warnings }: DockerInfo, host: HostFacts): Finding<true> {
  if (cgroupDriver === 'none') return unsupported(SILENT, 'GET /info: CgroupDriver = none')
  const warning = warnings.find((line) => /No io\.|No blkio/u.test(line))
  if (warning === undefined) return judgeDelegatedLimit('io', 'v2', host.cgroup.delegatedControllers, delegationFix(host))
  return unsupported('the io controller is not delegated to Docker', `GET /info: ${warning}`, delegationFix(host))
}

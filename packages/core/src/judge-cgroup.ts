import { CGROUP_VERSIONS, type CgroupVersion, type DriverUse, type LimitName } from './capabilities.ts'
import type { Fact } from './fact.ts'
import { supported, unknown, unsupported, type Finding, type Fix } from './finding.ts'
import type { HostFacts } from './host-facts.ts'

/** The controller behind each limit, by the kernel's name in cgroup v2 and in v1 (cgroups(7)). */
export const LIMIT_CONTROLLERS: Readonly<Record<LimitName, { readonly v2: string; readonly v1: string }>> = {
  memory: { v2: 'memory', v1: 'memory' },
  cpu: { v2: 'cpu', v1: 'cpu' },
  pids: { v2: 'pids', v1: 'pids' },
  io: { v2: 'io', v1: 'blkio' },
  cpuset: { v2: 'cpuset', v1: 'cpuset' },
}

/**
 * Each layout: in use when the host has it, else why not. A host has one, chosen at boot. `refusals` says which layouts the
 * engine itself cannot use.
 */
export function judgeLayouts(
  layout: Fact<CgroupVersion>,
  refusals: Readonly<Partial<Record<CgroupVersion, string>>> = {},
): Readonly<Record<CgroupVersion, Finding<DriverUse>>> {
  const judge = (version: CgroupVersion): Finding<DriverUse> => {
    if (layout.status === 'unknown') return unknown(layout.reason)
    const refusal = refusals[version]
    if (refusal !== undefined) return unsupported(refusal, layout.source)
    if (layout.value === version) return supported('in use', layout.source)
    return unsupported(`this host was booted with ${describeLayout(layout.value)}`, layout.source)
  }
  const [v2, hybrid, v1] = CGROUP_VERSIONS
  return { [v2]: judge(v2), [hybrid]: judge(hybrid), [v1]: judge(v1) }
}

function describeLayout(version: CgroupVersion): string {
  return version === 'hybrid' ? 'hybrid cgroups' : `cgroup ${version}`
}

/** Every limit of our vocabulary, each by its own judgement. */
export function judgeLimits(judge: (name: LimitName) => Finding<true>): Readonly<Record<LimitName, Finding<true>>> {
  return { memory: judge('memory'), cpu: judge('cpu'), pids: judge('pids'), io: judge('io'), cpuset: judge('cpuset') }
}

/** A limit that bites exactly when its controller is among those delegated to the engine. */
export function judgeDelegatedLimit(
  name: LimitName,
  version: CgroupVersion,
  controllers: Fact<readonly string[]>,
  fix?: Fix,
): Finding<true> {
  if (controllers.status === 'unknown') return unknown(controllers.reason)
  const controller = LIMIT_CONTROLLERS[name][version === 'v2' ? 'v2' : 'v1']
  if (controllers.value.includes(controller)) return supported(true, controllers.source)
  const reason =
    controllers.value.length === 0
      ? 'no cgroup controller is delegated to this user'
      : `the ${controller} controller is not delegated, only ${controllers.value.join(', ')}`
  return unsupported(reason, controllers.source, fix)
}

/** Whether the user's own systemd can make groups for an engine. */
export function judgeUserManager({ session: { userManager: fact } }: HostFacts): Finding<DriverUse> {
  if (fact.status === 'unknown') return unknown(fact.reason)
  return fact.value ? supported('available', fact.source) : unsupported('no systemd of this user is running', fact.source)
}

/** What delegates every controller to the user; only systemd on cgroup v2 can be told to. */
export function delegationFix({ cgroup, session }: HostFacts): Fix | undefined {
  const possible =
    cgroup.layout.status === 'known' &&
    cgroup.layout.value === 'v2' &&
    session.systemd.status === 'known' &&
    session.systemd.value
  if (!possible) return undefined
  return {
    summary: 'delegate all controllers to the user',
    commands: [['rootless', 'setup']],
    needsRoot: true,
    undo: 'remove the drop-in of user@.service that setup writes, then systemctl daemon-reload',
    check: ['rootless', 'host'],
  }
}

import {
  RootlessError,
  known,
  knownValue,
  printable,
  unknownFact,
  type CgroupVersion,
  type DeviceName,
  type EngineName,
  type Fact,
  type System,
} from '@rootless-runtime/core'
import { isUserName } from './accounts.ts'
import { KNOWN_PACKAGES } from './engine-needs.ts'
import { parseDistribution } from './distribution.ts'
import { readAccounts } from './read-accounts.ts'
import { readUserState } from './read-user-state.ts'
import { DELEGATE_DROP_IN, LXC_USERNET } from './host-places.ts'
import { readMode, readTextFact } from './read-facts.ts'
import type { Distribution, SetupState } from './setup-state.ts'

export interface SetupTarget {
  /** Login name of the ordinary user that the host is made ready for. It need not exist yet. */
  readonly userName: string
  readonly engines: readonly EngineName[]
}

/**
 * Reads everything that `planSetup` judges. Changes nothing, and needs no root.
 *
 * @throws RootlessError `INVALID_ARGUMENT` when the user's name is none that useradd(8) takes, or the user is root.
 */
export async function readSetupState(system: System, target: SetupTarget): Promise<SetupState> {
  const { userName, engines } = target
  if (!isUserName(userName)) {
    throw new RootlessError(
      'INVALID_ARGUMENT',
      `not a user name that setup can use: ${printable(userName)} (small letters, digits, - and _)`,
    )
  }
  const [accounts, host] = await Promise.all([readAccounts(system, userName), readHostState(system)])
  const account = knownValue(accounts.target) ?? null
  if (userName === 'root' || account?.uid === 0) {
    throw new RootlessError(
      'INVALID_ARGUMENT',
      `${userName} is root: name an ordinary user, who will run the engines without root`,
    )
  }
  return {
    userName,
    engines,
    caller: { isRoot: system.user.uid === 0, isTarget: account?.uid === system.user.uid },
    accounts,
    ...host,
    user: account === null ? null : await readUserState(system, account),
  }
}

type HostState = Omit<SetupState, 'userName' | 'engines' | 'caller' | 'accounts' | 'user'>

async function readHostState(system: System): Promise<HostState> {
  const [distribution, kernelRelease, systemd, packages, tun, fuse, pingRange, cgroupLayout, delegateDropIn, lxcUsernet, bridge] =
    await Promise.all([
      readDistribution(system),
      readKernelRelease(system),
      system.status('/run/systemd/system'),
      readPackages(system),
      readMode(system, '/dev/net/tun' satisfies DeviceName),
      readMode(system, '/dev/fuse' satisfies DeviceName),
      readPingRange(system),
      readCgroupLayout(system),
      readTextFact(system, DELEGATE_DROP_IN),
      readTextFact(system, LXC_USERNET),
      system.status('/sys/class/net/lxcbr0'),
    ])
  return {
    distribution,
    kernelRelease,
    systemd: systemd.status === 'ok' && systemd.value.kind === 'directory',
    packages,
    devices: { '/dev/net/tun': tun, '/dev/fuse': fuse },
    pingRange,
    cgroupLayout,
    delegateDropIn,
    lxcUsernet,
    lxcBridge: bridge.status === 'ok',
  }
}

async function readDistribution(system: System): Promise<Fact<Distribution>> {
  const source = '/etc/os-release'
  const text = await system.readText(source)
  return text.status === 'ok' ? known(parseDistribution(text.value), source) : unknownFact(text.reason, source)
}

async function readKernelRelease(system: System): Promise<Fact<string>> {
  const source = '/proc/sys/kernel/osrelease'
  const text = await system.readText(source)
  return text.status === 'ok' ? known(printable(text.value, 80), source) : unknownFact(text.reason, source)
}

async function readPackages(system: System): Promise<Fact<ReadonlySet<string>>> {
  const source = 'dpkg-query -W'
  const answer = await system.run({
    file: 'dpkg-query',
    arguments: ['-W', '-f=${db:Status-Status} ${Package}\n', ...KNOWN_PACKAGES],
    timeoutMs: 10_000,
  })
  // dpkg-query(1) exits 1 when it does not know one of the packages, and still prints the others.
  if (answer.status === 'exited' && answer.exitCode <= 1) return known(parseInstalledPackages(answer.stdout), source)
  const reason = answer.status === 'exited' ? `exit code ${answer.exitCode}: ${printable(answer.stderr)}` : answer.reason
  return unknownFact(reason, source)
}

export function parseInstalledPackages(output: string): ReadonlySet<string> {
  return new Set(
    output.split('\n').flatMap((line) => {
      const [status, name = ''] = line.split(' ')
      return status === 'installed' && KNOWN_PACKAGES.includes(name) ? [name] : []
    }),
  )
}

async function readPingRange(system: System): Promise<SetupState['pingRange']> {
  const source = '/proc/sys/net/ipv4/ping_group_range'
  const text = await system.readText(source)
  if (text.status !== 'ok') return unknownFact(text.reason, source)
  const match = /^(\d{1,10})\s+(\d{1,10})\s*$/u.exec(text.value)
  if (match === null) return unknownFact(`holds ${printable(text.value)}`, source)
  return known({ first: Number(match[1]), last: Number(match[2]) }, source)
}

async function readCgroupLayout(system: System): Promise<Fact<CgroupVersion>> {
  const source = '/proc/self/mounts'
  const text = await system.readText(source)
  if (text.status !== 'ok') return unknownFact(text.reason, source)
  const layout = parseCgroupLayout(text.value)
  return layout === undefined ? unknownFact('no cgroup file system is mounted', source) : known(layout, source)
}

/** The cgroup layout by the mounted file systems, as proc(5) lists them. */
export function parseCgroupLayout(mounts: string): CgroupVersion | undefined {
  const types = new Set(mounts.split('\n').map((line) => line.split(' ')[2]))
  if (types.has('cgroup')) return types.has('cgroup2') ? 'hybrid' : 'v1'
  return types.has('cgroup2') ? 'v2' : undefined
}

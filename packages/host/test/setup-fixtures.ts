import { known, type Command, type CommandAnswer, type System } from '@rootless-runtime/core'
import { KNOWN_PACKAGES } from '../src/setup/engine-needs.ts'
import type { SetupPlan, SetupStep, SetupStepId } from '../src/setup/setup-plan.ts'
import type { SetupState, UserState } from '../src/setup/setup-state.ts'

export const USER = { name: 'moby', uid: 1000, gid: 1000, home: '/home/moby' }

const READY_USER: UserState = {
  homeMode: known(0o711, USER.home),
  runtimeDirectory: known('ready', '/run/user/1000'),
  linger: true,
  containersConf: known('[engine]\nruntime = "runc"\n', 'containers.conf'),
  storageConf: known('[storage]\ndriver = "overlay"\n', 'storage.conf'),
  lxcDefaultConf: known('lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n', 'default.conf'),
  dockerUnit: known(null, 'docker.service'),
  supervisorScript: known(null, 'supervise-docker.sh'),
  podmanStorage: true,
  docker: 'docker',
  supervisorPid: null,
}

const RANGES = known([{ who: 'moby', start: 100_000, count: 65_536 }], '/etc/subuid')

/** A Debian 12 without systemd, on which nothing is left to do. */
export const READY: SetupState & { readonly user: UserState } = {
  userName: 'moby',
  engines: ['docker', 'podman', 'lxc'],
  caller: { isRoot: true, isTarget: false },
  distribution: known({ id: 'debian', idLike: [], versionId: '12', prettyName: 'Debian 12' }, '/etc/os-release'),
  kernelRelease: known('6.1.0-56-amd64', '/proc/sys/kernel/osrelease'),
  systemd: false,
  accounts: { target: known(USER, 'getent'), freeId: 1001, subordinateUserIds: RANGES, subordinateGroupIds: RANGES },
  packages: known(new Set(KNOWN_PACKAGES), 'dpkg-query -W'),
  devices: { '/dev/net/tun': known(0o666, '/dev/net/tun'), '/dev/fuse': known(0o666, '/dev/fuse') },
  pingRange: known({ first: 0, last: 2_147_483_647 }, 'ping_group_range'),
  cgroupLayout: known('hybrid', '/proc/self/mounts'),
  delegateDropIn: known(null, 'drop-in'),
  lxcUsernet: known('moby veth lxcbr0 10\n', '/etc/lxc/lxc-usernet'),
  lxcBridge: true,
  user: READY_USER,
}

/** The same Debian with nothing installed and nobody there. */
export const BARE: SetupState = {
  ...READY,
  accounts: {
    ...READY.accounts,
    target: known(null, 'getent'),
    subordinateUserIds: known([], 'subuid'),
    subordinateGroupIds: known([], 'subgid'),
  },
  packages: known(new Set(), 'dpkg-query -W'),
  devices: { '/dev/net/tun': known(0o600, '/dev/net/tun'), '/dev/fuse': known(0o600, '/dev/fuse') },
  pingRange: known({ first: 1, last: 0 }, 'ping_group_range'),
  lxcUsernet: known(null, '/etc/lxc/lxc-usernet'),
  lxcBridge: false,
  user: null,
}

export function withUser(changes: Partial<UserState>): SetupState {
  return { ...READY, user: { ...READY_USER, ...changes } }
}

export function findStep(plan: SetupPlan, id: SetupStepId): SetupStep {
  const step = plan.steps.find((each) => each.id === id)
  if (step === undefined) throw new Error(`the plan has no step ${id}`)
  return step
}

export const SUCCESS: CommandAnswer = { status: 'exited', exitCode: 0, stdout: '', stderr: '' }

/** A System on which nothing is there but what `run` answers; every command is written down. */
export function createFakeSystem(
  uid: number,
  run: (words: readonly string[]) => CommandAnswer,
): System & { readonly commands: readonly Command[] } {
  const commands: Command[] = []
  const absent = { status: 'absent', reason: 'nothing is there' } as const
  const refuse = () => Promise.resolve(absent)
  return {
    commands,
    environment: {},
    user: { uid, gid: uid, name: uid === 0 ? 'root' : 'moby', homeDirectory: '/' },
    readText: refuse,
    listDirectory: refuse,
    status: refuse,
    realPath: refuse,
    freeBytes: refuse,
    findExecutable: refuse,
    connect: refuse,
    run: async (command) => {
      commands.push(command)
      return run([command.file, ...command.arguments])
    },
  }
}

import { known } from '@rootless-runtime/core'
import { LXC_USERNET } from './host-places.ts'
import { DONE, byHand, judge, needed, run, write, type PlanContext, type StepDraft } from './step-draft.ts'
import { grantsBridge, mapsIds, toIdMapLines, toLxcDefaultConf } from './user-files.ts'

/** How many network devices lxc-user-nic(1) may make for the user. */
const VETH_COUNT = 10

export function draftPassableHome({ state, user }: PlanContext): StepDraft {
  const make = needed(run('user', 'chmod', 'o+x', '--', user.home))
  return {
    id: 'passable-home',
    title: `Let others pass through ${user.home}`,
    why: 'Root of an LXC container is another id outside and must reach its file system below the home folder; o+x lets pass, not list',
    needsRoot: false,
    undo: `chmod o-x ${user.home}`,
    outcome: judge(state.user?.homeMode ?? known(null, user.home), (mode) => {
      if (mode === null)
        return state.user === null
          ? make
          : byHand(`${user.home} does not exist: make it, owned by ${user.name}, then run setup again`)
      return (mode & 0o001) === 0 ? make : DONE
    }),
  }
}

export function draftLxcUsernet({ state, user }: PlanContext): StepDraft {
  const line = `${user.name} veth lxcbr0 ${VETH_COUNT}`
  return {
    id: 'lxc-usernet',
    title: `Allow ${user.name} ${VETH_COUNT} network devices on lxcbr0`,
    why: 'lxc-user-nic connects a container to a bridge only for users of /etc/lxc/lxc-usernet, and says "Quota reached" to all others',
    needsRoot: true,
    undo: `remove the line "${line}" from ${LXC_USERNET}`,
    outcome: judge(state.lxcUsernet, (text) =>
      grantsBridge(text ?? '', user.name) ? DONE : needed({ kind: 'append-line', as: 'root', path: LXC_USERNET, line }),
    ),
  }
}

export function draftLxcBridge({ state }: PlanContext): StepDraft {
  return {
    id: 'lxc-bridge',
    title: 'Start the bridge lxcbr0',
    why: state.systemd
      ? 'Containers with a network device of their own need a bridge with DHCP'
      : 'Containers with a network device of their own need a bridge with DHCP; without systemd it is gone after the next boot',
    needsRoot: true,
    undo: state.systemd ? 'systemctl disable --now lxc-net' : '/usr/libexec/lxc/lxc-net stop',
    outcome: toBridgeOutcome(state.lxcBridge, state.systemd),
  }
}

function toBridgeOutcome(present: boolean, systemd: boolean): StepDraft['outcome'] {
  if (present) return DONE
  if (systemd) return needed(run('root', 'systemctl', 'enable', '--now', 'lxc-net'))
  // Not `start`: where /run outlives a boot, its old mark makes `start` say "already running".
  return needed({
    kind: 'run',
    as: 'root',
    command: ['/usr/libexec/lxc/lxc-net', 'restart'],
    unless: ['test', '-d', '/sys/class/net/lxcbr0'],
  })
}

export function draftLxcDefaultConf({ state, user, places, ranges }: PlanContext): StepDraft {
  const path = places.lxcDefaultConf
  return {
    id: 'lxc-default-conf',
    title: `Write ${path}`,
    why: 'lxc-create takes the id map of new containers from it, and fails without',
    needsRoot: false,
    undo: `remove ${path}`,
    outcome: judge(state.user?.lxcDefaultConf ?? known(null, path), (text) => {
      if (text !== null && mapsIds(text)) return DONE
      if (ranges === null) return byHand(`${user.name} has no subordinate ids that the file could map`)
      const lines = toIdMapLines(ranges.users, ranges.groups)
      if (text !== null) return byHand(`${path} is yours and has no id map; add to it: ${lines.join(' and ')}`)
      return needed(write('user', path, toLxcDefaultConf(lines)))
    }),
  }
}

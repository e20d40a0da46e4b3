import { DEVICE_NAMES } from '@rootless-runtime/core'
import { DELEGATE_DROP_IN, PING_RANGE_FILE, UDEV_RULES_FILE } from './host-places.ts'
import { DONE, byHand, judge, needed, run, write, type Outcome, type PlanContext, type StepDraft } from './step-draft.ts'
import { DELEGATE_TEXT, PING_RANGE_TEXT, toUdevRules } from './user-files.ts'

// Read and write for all: what udev's own rules give these two devices.
const OPEN_TO_ALL = 0o666

export function draftDevices({ state }: PlanContext): StepDraft {
  return {
    id: 'devices',
    title: 'Open /dev/net/tun and /dev/fuse to all users',
    why: state.systemd
      ? 'slirp4netns and pasta make their network device with the first, fuse-overlayfs mounts with the second; a udev rule keeps it so'
      : 'slirp4netns and pasta make their network device with the first, fuse-overlayfs mounts with the second; without udev this lasts until the next boot',
    needsRoot: true,
    undo: `chmod 600 /dev/net/tun /dev/fuse${state.systemd ? ` and remove ${UDEV_RULES_FILE}` : ''}`,
    outcome: judge(state.devices['/dev/net/tun'], (tun) =>
      judge(state.devices['/dev/fuse'], (fuse) => judgeDevices(tun, fuse, state.systemd)),
    ),
  }
}

function judgeDevices(tun: number | null, fuse: number | null, systemd: boolean): Outcome {
  if (tun === null)
    return byHand('/dev/net/tun is absent: load it with `modprobe tun`; in a container or guest, pass the device in')
  const modes = { '/dev/net/tun': tun, '/dev/fuse': fuse }
  // An absent /dev/fuse is no obstacle: overlayfs of the kernel does without it.
  const closed = DEVICE_NAMES.filter((name) => ((modes[name] ?? OPEN_TO_ALL) & OPEN_TO_ALL) !== OPEN_TO_ALL)
  if (closed.length === 0) return DONE
  return needed(run('root', 'chmod', '666', ...closed), ...(systemd ? [write('root', UDEV_RULES_FILE, toUdevRules())] : []))
}

export function draftPingRange({ state, user }: PlanContext): StepDraft {
  return {
    id: 'ping-range',
    title: 'Let every group send pings',
    why: 'The kernel lets only groups of net.ipv4.ping_group_range open ICMP sockets; 0 2147483647 is what systemd sets on a full system',
    needsRoot: true,
    undo: `remove ${PING_RANGE_FILE} and run sysctl -w with the old value: net.ipv4.ping_group_range="1 0" lets nobody`,
    outcome: judge(state.pingRange, ({ first, last }) =>
      first <= user.gid && user.gid <= last
        ? DONE
        : needed(
            run('root', 'sysctl', '-q', '-w', 'net.ipv4.ping_group_range=0 2147483647'),
            write('root', PING_RANGE_FILE, PING_RANGE_TEXT),
          ),
    ),
  }
}

export function draftRuntimeDirectory({ state, user, places }: PlanContext): StepDraft | null {
  // logind(8) makes the folder, and `linger` makes it stay.
  if (state.systemd) return null
  const path = places.runtimeDirectory
  const make = run('root', 'install', '-d', '-m', '0700', '-o', String(user.uid), '-g', String(user.gid), path)
  return {
    id: 'runtime-directory',
    title: `Make ${path}`,
    why: 'Sockets and locks of the engines lie there (XDG_RUNTIME_DIR); without systemd nobody makes it, and it is gone after the next boot',
    needsRoot: true,
    undo: `rm -r ${path}, once the engines of ${user.name} are stopped`,
    outcome:
      state.user === null
        ? needed(make)
        : judge(state.user.runtimeDirectory, (answer) => {
            if (answer === 'foreign') return byHand(`${path} is not a folder of ${user.name}: remove it, then run setup again`)
            return answer === 'ready' ? DONE : needed(make)
          }),
  }
}

export function draftDelegation({ state, user }: PlanContext): StepDraft | null {
  if (!state.systemd || (state.cgroupLayout.status === 'known' && state.cgroupLayout.value !== 'v2')) return null
  return {
    id: 'delegation',
    title: 'Delegate every cgroup controller to user sessions',
    why: `systemd hands users only some controllers, so limits on CPU sets and I/O do not apply; a session of ${user.name} that runs already gets them at its next start`,
    needsRoot: true,
    undo: `remove ${DELEGATE_DROP_IN} and run systemctl daemon-reload`,
    outcome: judge(state.cgroupLayout, () =>
      judge(state.delegateDropIn, (text) =>
        text === DELEGATE_TEXT
          ? DONE
          : needed(write('root', DELEGATE_DROP_IN, DELEGATE_TEXT), run('root', 'systemctl', 'daemon-reload')),
      ),
    ),
  }
}

export function draftLinger({ state, user }: PlanContext): StepDraft | null {
  if (!state.systemd) return null
  return {
    id: 'linger',
    title: `Let services of ${user.name} run without a login`,
    why: 'systemd ends a user manager, its containers and its /run/user folder at the last logout, unless the user lingers',
    needsRoot: true,
    undo: `loginctl disable-linger ${user.name}`,
    outcome:
      state.user?.linger === true
        ? DONE
        : needed(
            run('root', 'loginctl', 'enable-linger', user.name),
            run('root', 'systemctl', 'start', `user@${user.uid}.service`),
          ),
  }
}

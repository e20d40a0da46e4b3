/** A line in the guest, and who types it. */
export interface Line {
  readonly user: 'moby' | 'root'
  readonly line: string
}

/** Something that breaks a host which worked, what `compare` must say of it, and how it is undone. */
export interface Fault {
  readonly title: string
  readonly break?: Line
  /** Put before `node`, where the fault is in the caller's environment. */
  readonly environment?: string
  /** In one statement of the report. */
  readonly says: RegExp
  /** In one of the commands of the same statement: the next thing to type. */
  readonly next: RegExp
  readonly undo?: Line
}

const START_ENGINES = 'systemctl --user reset-failed; systemctl --user start podman.socket docker'

/** Ends whatever the user's systemd holds, and starts it anew with its engines. */
const RESTART_MANAGER = `systemctl reset-failed user@1000; systemctl restart user@1000 && su - moby -c '. /etc/profile.d/lab.sh; ${START_ENGINES}'`

/** The one that has a test of its own. */
export const LOGOUT_TITLE = 'without lingering compare says that containers will end at the last logout, and they do'

/** Takes a controller away below the user's manager, the leaves first: no group may hold it when its parent gives it up. */
const TAKE_MEMORY = `cd /sys/fs/cgroup/user.slice/user-1000.slice && find . -name cgroup.subtree_control | awk -F/ '{ print NF, $0 }' | sort -rn | while read -r depth file; do
  echo -memory >"$file" || exit 1
done`

export const FAULTS: readonly Fault[] = [
  {
    title: 'dockerd was killed',
    break: { user: 'moby', line: 'pkill -KILL -x dockerd; sleep 2' },
    says: /docker\.sock.*(?:refused|does not exist)|no rootless Docker|Docker is (?:installed|not running)/iu,
    next: /systemctl --user|rootless setup/u,
    undo: { user: 'moby', line: START_ENGINES },
  },
  {
    title: "the user's systemd manager was killed",
    break: { user: 'root', line: 'systemctl kill --kill-who=main -s KILL user@1000; sleep 3' },
    says: /the systemd of moby does not run/u,
    next: /systemctl restart user@1000/u,
    undo: { user: 'root', line: RESTART_MANAGER },
  },
  {
    title: 'XDG_RUNTIME_DIR is not set',
    environment: 'env -u XDG_RUNTIME_DIR',
    says: /XDG_RUNTIME_DIR is not set/u,
    next: /XDG_RUNTIME_DIR=\/run\/user\/1000/u,
  },
  {
    title: 'the folder of XDG_RUNTIME_DIR is gone',
    environment: 'env XDG_RUNTIME_DIR=/run/user/4242',
    says: /XDG_RUNTIME_DIR names \/run\/user\/4242, which does not exist/u,
    next: /rootless setup/u,
  },
  {
    title: '/dev/net/tun is closed',
    break: { user: 'root', line: 'chmod 600 /dev/net/tun' },
    says: /\/dev\/net\/tun cannot be opened by this user \(mode 0?600\)/u,
    next: /rootless setup/u,
    undo: { user: 'root', line: 'chmod 666 /dev/net/tun' },
  },
  {
    title: '/dev/fuse is closed',
    break: { user: 'root', line: 'chmod 600 /dev/fuse' },
    says: /\/dev\/fuse cannot be opened by this user \(mode 0?600\)/u,
    next: /rootless setup/u,
    undo: { user: 'root', line: 'chmod 666 /dev/fuse' },
  },
  {
    title: 'the user has no subordinate ids',
    break: { user: 'root', line: 'cp /etc/subuid /etc/subgid /root/ && : >/etc/subuid && : >/etc/subgid' },
    says: /moby has no subordinate ids/u,
    next: /rootless setup/u,
    undo: { user: 'root', line: 'cp /root/subuid /root/subgid /etc/' },
  },
  {
    title: 'the disk of the home is full',
    // Blocks that are never written take no place on the host; the rest is written, to the last one that the user may have.
    break: {
      user: 'root',
      line: 'fallocate -l "$(($(df --output=avail -B1 /home | tail -n 1) - 67108864))" /home/filled; su moby -c "cat /dev/zero >/home/moby/filled"; [ "$(df --output=avail /home | tail -n 1)" -lt 1024 ]',
    },
    says: /only \d+ MiB are free in the home folder/u,
    next: /du -xhd1 \/home\/moby/u,
    undo: { user: 'root', line: 'rm -f /home/filled /home/moby/filled' },
  },
  {
    title: 'delegation was taken away and the engine goes on',
    break: { user: 'root', line: TAKE_MEMORY },
    says: /the memory controller is not delegated (?:any more|to Docker)/u,
    next: /rootless setup/u,
    undo: { user: 'root', line: RESTART_MANAGER },
  },
]

import type { SetupUser } from './setup-plan.ts'

/** Every file and folder of the user that setup reads or writes, in one place. */
export interface UserPlaces {
  readonly runtimeDirectory: string
  readonly dockerSocket: string
  readonly dockerUnit: string
  readonly supervisorScript: string
  readonly supervisorPidFile: string
  readonly dockerLog: string
  readonly containersConf: string
  readonly storageConf: string
  readonly podmanStorage: string
  readonly lxcDefaultConf: string
}

export function toUserPlaces(user: SetupUser): UserPlaces {
  const runtimeDirectory = `/run/user/${user.uid}`
  return {
    runtimeDirectory,
    dockerSocket: `${runtimeDirectory}/docker.sock`,
    dockerUnit: `${user.home}/.config/systemd/user/docker.service`,
    supervisorScript: `${user.home}/.local/share/rootless-runtime/supervise-docker.sh`,
    supervisorPidFile: `${runtimeDirectory}/rootless-runtime-docker.pid`,
    dockerLog: `${user.home}/.local/state/rootless-runtime/docker.log`,
    containersConf: `${user.home}/.config/containers/containers.conf`,
    storageConf: `${user.home}/.config/containers/storage.conf`,
    podmanStorage: `${user.home}/.local/share/containers/storage`,
    lxcDefaultConf: `${user.home}/.config/lxc/default.conf`,
  }
}

// Debian keeps dockerd-rootless.sh in contrib, outside every PATH; dockerd and iptables lie in sbin.
const USER_PATH = '/usr/share/docker.io/contrib:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

/** The whole environment of a command that setup runs as the user. Nothing of the caller's own gets through. */
export function toUserEnvironment(user: SetupUser): Readonly<Record<string, string>> {
  const { runtimeDirectory } = toUserPlaces(user)
  return {
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: '/bin/sh',
    PATH: USER_PATH,
    LC_ALL: 'C.UTF-8',
    XDG_RUNTIME_DIR: runtimeDirectory,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtimeDirectory}/bus`,
  }
}

/** The PATH of the user's own services, for unit files. */
export { USER_PATH }

import type { SubordinateRange } from './setup-state.ts'
import { USER_PATH } from './user-places.ts'

const HEADING = '# Written by rootless setup.'

/** Whether a file is one that setup wrote, and so one that it may end or write anew. */
export function isOwnFile(text: string): boolean {
  return text.startsWith(HEADING)
}

// Delegate, KillMode and the limits are those of Docker's own dockerd-rootless-setuptool.sh.
export const DOCKER_UNIT = `${HEADING}
[Unit]
Description=Docker without root
Documentation=https://docs.docker.com/go/rootless/
StartLimitIntervalSec=60
StartLimitBurst=3

[Service]
Environment=PATH=${USER_PATH}
ExecStart=/usr/bin/env dockerd-rootless.sh
ExecReload=/bin/kill -s HUP $MAINPID
Restart=always
RestartSec=2
TimeoutSec=0
LimitNOFILE=infinity
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Delegate=yes
KillMode=mixed

[Install]
WantedBy=default.target
`

export const DELEGATE_TEXT = `${HEADING}
[Service]
Delegate=cpu cpuset io memory pids
`

export const PING_RANGE_TEXT = `${HEADING}
net.ipv4.ping_group_range = 0 2147483647
`

export const CONTAINERS_CONF_TEXT = `${HEADING}
# crun refuses hybrid cgroups: "cgroups in hybrid mode not supported".
[engine]
runtime = "runc"
`

/** A storage.conf(5) for overlayfs, mounted by the kernel or, where that lets no user do it, by fuse-overlayfs. */
export function toStorageConf(kernelMounts: boolean): string {
  const storage = `${HEADING}
# Podman 4 otherwise takes vfs, which copies every layer.
[storage]
driver = "overlay"
`
  if (kernelMounts) return storage
  return `${storage}
# This kernel lets no user mount overlayfs; Linux 5.11 is the first that does.
[storage.options.overlay]
mount_program = "/usr/bin/fuse-overlayfs"
`
}

export function toIdMapLines(userIds: SubordinateRange, groupIds: SubordinateRange): readonly string[] {
  return [`lxc.idmap = u 0 ${userIds.start} ${userIds.count}`, `lxc.idmap = g 0 ${groupIds.start} ${groupIds.count}`]
}

export function toLxcDefaultConf(idMapLines: readonly string[]): string {
  return [
    HEADING,
    'lxc.include = /etc/lxc/default.conf',
    ...idMapLines,
    '# Only root may load the profile that /etc/lxc/default.conf asks for; without AppArmor the line says nothing.',
    'lxc.apparmor.profile = unconfined',
    'lxc.apparmor.allow_nesting = 0',
    '',
  ].join('\n')
}

export function toUdevRules(): string {
  return `${HEADING}\nKERNEL=="tun", MODE="0666"\nKERNEL=="fuse", MODE="0666"\n`
}

/** Whether a containers.conf(5) chooses a runtime: a key `runtime` in its table `engine`. */
export function choosesRuntime(containersConf: string): boolean {
  let table = ''
  for (const line of containersConf.split('\n')) {
    const heading = /^\s*\[([^[\]]+)\]/u.exec(line)
    if (heading !== null) table = heading[1]?.trim() ?? ''
    else if (table === 'engine' && /^\s*"?runtime"?\s*=/u.test(line)) return true
    else if (table === '' && /^\s*engine\s*\.\s*runtime\s*=/u.test(line)) return true
  }
  return false
}

/** Whether an LXC configuration maps both users and groups: lxc.container.conf(5). */
export function mapsIds(lxcConf: string): boolean {
  const maps = (kind: string): boolean =>
    lxcConf.split('\n').some((line) => new RegExp(`^\\s*lxc\\.(idmap|id_map)\\s*=\\s*(${kind}|b)\\s`, 'u').test(line))
  return maps('u') && maps('g')
}

/** Whether lxc-usernet(5) lets the user make veth devices on lxcbr0. */
export function grantsBridge(lxcUsernet: string, userName: string): boolean {
  return lxcUsernet.split('\n').some((line) => {
    const [who, type, bridge, count = ''] = line.trim().split(/\s+/u)
    return who === userName && type === 'veth' && bridge === 'lxcbr0' && /^[1-9]\d*$/u.test(count)
  })
}

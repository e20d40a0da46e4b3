/** What the kernel showed of one container. */
export interface Seen {
  readonly networking: string
  readonly storage: string
  /** What the device that leads out sent while the container spoke. */
  readonly sentBytes: number
  readonly uidMap: string
  /** In the container's own group; `null` where it has none. */
  readonly memoryLimitBytes: number | null
  readonly group: string
  /** Who made that group. */
  readonly manager: 'systemd' | 'pam' | 'none'
}

const FILE_SYSTEMS: ReadonlyMap<string, string> = new Map([
  ['overlay', 'overlay'],
  ['fuse.fuse-overlayfs', 'fuse-overlayfs'],
  ['btrfs', 'btrfs'],
])

/** Reads the KEY=VALUE lines of the scripts; one of them may say that the engine failed, and with which words. */
export function parseSeen(text: string): Seen | { readonly failed: string } {
  const values = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const at = line.indexOf('=')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]]
    }),
  )
  const value = (key: string): string => values.get(key) ?? ''
  const failed = values.get('failed')
  if (failed !== undefined) return { failed }
  const limit = value('limit.memory')
  return {
    networking: toNetworking(value('network.carrier'), value('network.device'), value('network.bridgePort')),
    storage: toStorage(value('storage.type'), value('storage.folder')),
    sentBytes: Number(value('network.sentBytes')),
    uidMap: value('uidMap'),
    memoryLimitBytes: /^\d+$/u.test(limit) ? Number(limit) : null,
    group: value('limit.group'),
    manager: toManager(value('limit.group')),
  }
}

/** A process with a tap, or a veth that is a port of the bridge, or no way out at all. */
function toNetworking(carrier: string, device: string, bridgePort: string): string {
  if (bridgePort !== '') return carrier === '' ? 'lxc-user-nic' : `${carrier} beside a port of the bridge`
  if (carrier !== '') return carrier
  return device === '' ? 'none' : `nobody behind ${device}`
}

/** A whole copy is a folder of the disk's own file system; its place tells whose copy it is. */
function toStorage(type: string, folder: string): string {
  return FILE_SYSTEMS.get(type) ?? (folder.includes('/vfs/') ? 'vfs' : folder.endsWith('/rootfs') ? 'dir' : `${type} ${folder}`)
}

/** A scope below the user's manager, or what LXC made in the group of a login, which libpam-cgfs gave to the user; any other is not the container's own. */
function toManager(group: string): Seen['manager'] {
  if (/\/user@\d+\.service\/(?:.*\/)?[^/]+\.scope(?:\/|$)/u.test(group)) return 'systemd'
  return /\/(?:user\/[^/]+\/\d+|session-[^/]+\.scope)\/lxc\.payload/u.test(group) ? 'pam' : 'none'
}

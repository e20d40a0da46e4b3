import type { Readable } from 'node:stream'
import type { Call, ContainerPlan, ImageConfig, PublishedPort } from '@rootless-runtime/core'
import type { IdMap } from './lxc-config.ts'

/**
 * Where everything of ours lies: below `rootless-runtime/lxc` of the user's data folder, never among the user's own LXC
 * containers. Folders on the way to a root file system let others pass (0711): the mapped root has to reach it.
 */
export interface LxcStore {
  /** The lxcpath of our containers; a container's own folder in it is named by its id. */
  readonly containersFolder: string
  readonly imagesFolder: string
  readonly volumesFolder: string
  /** Makes the folders that are not there yet. */
  prepare(): Promise<void>
  containerFolder(id: string): string
}

/** Which image a container is made of, found once and kept with it. */
export interface FoundImage {
  readonly id: string
  readonly config: ImageConfig
}

/** The images, as containers need them. */
export interface ImagesPart {
  /** @throws RootlessError `IMAGE_NOT_FOUND` */
  find(referenceOrId: string): Promise<FoundImage>
}

/** What a root file system is made from. */
export interface RootfsRequest {
  readonly imageId: string
  /** The container's own folder, which exists. Everything is made in it. */
  readonly containerFolder: string
  readonly readOnlyRoot: boolean
  readonly idMaps: readonly IdMap[]
}

/** Root file systems of containers. None of these needs the container to run; all but `make` and `remove` work while it does. */
export interface RootfsPart {
  /** Lines of the container's configuration: `lxc.rootfs.path = ...` and what belongs to it. */
  make(request: RootfsRequest, call: Call): Promise<readonly string[]>
  /** What is not there is fine. The folder itself stays. */
  remove(containerFolder: string): Promise<void>
  /** A file inside, as `/etc/passwd`; `null` when it is not there. No link leads out of the root. */
  readText(containerFolder: string, path: string): Promise<string | null>
  /** @throws RootlessError `PATH_NOT_FOUND` */
  copyIn(container: RootfsOf, tar: AsyncIterable<Uint8Array>, targetFolder: string, call: Call): Promise<void>
  /** @throws RootlessError `PATH_NOT_FOUND` */
  copyOut(container: RootfsOf, path: string, call: Call): Promise<Readable>
  commit(container: RootfsOf, reference: string, call: Call): Promise<string>
}

/** A container whose files are read or changed. */
export interface RootfsOf {
  readonly id: string
  readonly containerFolder: string
  readonly imageId: string
  readonly idMaps: readonly IdMap[]
  /** Of its first process, in the host's numbering; `null` unless it runs. */
  readonly pid: number | null
}

/** What of the plan is mounted, and by which map of ids. */
export interface MountsPart {
  /**
   * `base`: the map of the user's default configuration. With an `owner: 'me'` mount the caller's own ids take the place of those of
   * the container's user, who is looked up in the image; with any other of the host, root inside may pass through the caller's folders.
   */
  toIdMaps(plan: ContainerPlan, image: FoundImage, base: readonly IdMap[]): Promise<readonly IdMap[]>
  /** Lines of the configuration; makes volumes and the files of secrets. @throws RootlessError `MOUNT_NOT_FOUND` */
  prepare(plan: ContainerPlan, container: RootfsOf, call: Call): Promise<readonly string[]>
  /** Before each start: what does not outlive an end (secrets in memory). */
  beforeStart?(container: RootfsOf): Promise<void>
  /** Volumes without a name and whatever else lies outside the container's folder. */
  remove(container: RootfsOf): Promise<void>
}

/** What a network is chosen by. It is kept with the container, so that each start finds it again. */
export interface NetworkRequest extends Pick<ContainerPlan, 'name' | 'hostname' | 'ports' | 'network'> {
  readonly id: string
  readonly containerFolder: string
}

/** What serves the network of a container that runs. */
export interface NetworkServing {
  /** Programs that were left running. */
  readonly pids: readonly number[]
  /** Carried by the supervisor itself. */
  readonly relays: readonly PortRelay[]
}

/** A published port whose connections or datagrams are carried on to another address. */
export interface PortRelay {
  readonly protocol: PublishedPort['protocol']
  readonly address: string
  readonly port: number
  readonly targetAddress: string
  readonly targetPort: number
  /** Of this host, as which they come; `null` lets the kernel choose. */
  readonly sourceAddress: string | null
}

/** Networks and published ports. */
export interface NetworkPart {
  /** Checks the network and its ports. @throws RootlessError `NETWORK_NOT_FOUND`, `PORT_IN_USE`, `PORT_FORBIDDEN`, `NOT_SUPPORTED` */
  prepare(request: NetworkRequest, call: Call): Promise<readonly string[]>
  /**
   * Called at each start when the container's namespaces are there and its command does not run yet; LXC waits for it. Gives what
   * serves the network while the container runs: the supervisor ends it after the container. Files go into the container's folder.
   *
   * @throws RootlessError after which the container is ended, and every program of this call too
   */
  beforeCommand(request: NetworkRequest, pid: number, call: Call): Promise<NetworkServing>
  /** The address inside; `null` when it has none. */
  address(request: NetworkRequest, pid: number): Promise<string | null>
  hostAddress(request: NetworkRequest, pid: number, call: Call): Promise<string>
  /** The container is removed: what lies outside its folder goes. */
  remove(request: NetworkRequest): Promise<void>
}

/** The parts of the driver that are not processes. */
export interface LxcParts {
  readonly store: LxcStore
  readonly images: ImagesPart
  readonly rootfs: RootfsPart
  readonly mounts: MountsPart
  readonly network: NetworkPart
}

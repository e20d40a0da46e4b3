import { randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildTar, type TarFile } from '@rootless-runtime/conformance'
import type { Container, ContainerOptions, Image, Machine, RootlessRuntime } from '@rootless-runtime/core'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import type { IdMap } from '../src/lxc-config.ts'
import { readLxc, type LxcFacts } from '../src/lxc-facts.ts'
import { createLxcImages } from '../src/lxc-images.ts'
import type { FileDoor } from '../src/lxc-mapped.ts'
import { createLxcRootfs } from '../src/lxc-rootfs.ts'
import { createLxcStore, type FileStore } from '../src/lxc-store.ts'
import { createLxc } from '../src/lxc.ts'

const TIMEOUT_MS = 20_000
const APPLETS = ['sh', 'cat', 'echo', 'id', 'ip', 'kill', 'ls', 'mkdir', 'mount', 'nc', 'rm', 'sleep', 'stat', 'touch', 'httpd']
const NOTHING_TO_DO = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1000 & wait $!; done']

/** LXC as it runs here, with a store of its own that is removed with everything in it. */
export interface LiveLxc extends AsyncDisposable {
  readonly machine: Machine
  readonly facts: LxcFacts
  readonly runtime: RootlessRuntime
  readonly door: FileDoor
  readonly store: FileStore
  readonly images: ReturnType<typeof createLxcImages>
  readonly rootfs: ReturnType<typeof createLxcRootfs>
  readonly image: Image
  run(options?: Partial<ContainerOptions>): Promise<Container>
}

export function file(name: string, content: Uint8Array | string, mode = 0o644): TarFile {
  return { header: { name, mode, type: 'file' }, content }
}

export function folder(name: string, mode = 0o755, uid = 0): TarFile {
  return { header: { name: `${name}/`, type: 'directory', mode, uid, gid: uid } }
}

export function link(name: string, target: string): TarFile {
  return { header: { name, type: 'symlink', linkname: target, mode: 0o777 } }
}

/** A root file system of busybox and what is told; nothing else is in it. */
export function buildRootfs(more: readonly TarFile[] = []): Promise<Uint8Array> {
  const busybox = file('bin/busybox', readFileSync('/bin/busybox'), 0o755)
  return buildTar([folder('bin'), busybox, ...APPLETS.map((name) => link(`bin/${name}`, 'busybox')), ...more])
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** The machine without programs of these names. */
function hide(machine: Machine, names: readonly string[]): Machine {
  return {
    ...machine,
    findExecutable: async (name) =>
      names.includes(name) ? { status: 'absent', reason: `${name} is not on the PATH` } : await machine.findExecutable(name),
  }
}

export async function openLiveLxc({ without = [] }: { readonly without?: readonly string[] } = {}): Promise<LiveLxc> {
  const local = hide(createLocalSystem(), without)
  const data = mkdtempSync(join(local.user.homeDirectory, '.live-'))
  chmodSync(data, 0o711)
  const machine: Machine = { ...local, environment: { ...local.environment, XDG_DATA_HOME: data } }
  const { facts } = await readLxc(machine, TIMEOUT_MS)
  if (facts === null) throw new Error('LXC is not available')
  const runtime = createLxc(machine, { timeoutMs: TIMEOUT_MS, workplace: { machine, hostFacts: () => probeHost(machine) } })
  const idMaps = async (): Promise<readonly IdMap[]> => facts.config.idMaps
  const door: FileDoor = { machine, idMaps, version: async () => facts.version }
  const store = createLxcStore(door)
  const images = createLxcImages(door, store)
  const [image] = await images.load(
    once(await buildRootfs([folder('etc'), file('etc/passwd', 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n')])),
    { reference: 'live-live', config: { command: NOTHING_TO_DO } },
  )
  if (image === undefined) throw new Error('no image was loaded')
  const made: Container[] = []
  const run = async (options: Partial<ContainerOptions> = {}): Promise<Container> => {
    const name = `live-${randomUUID().slice(0, 8)}`
    const container = await runtime.containers.run({
      image: 'live-live',
      name,
      command: NOTHING_TO_DO,
      network: 'none',
      ...options,
    })
    made.push(container)
    return container
  }
  const dispose = async (): Promise<void> => {
    await Promise.all(made.map((container) => container.remove({ force: true })))
    await store.removeTree(data)
  }
  const rootfs = createLxcRootfs(door, store, TIMEOUT_MS)
  return { machine, facts, runtime, door, store, images, rootfs, image, run, [Symbol.asyncDispose]: dispose }
}

/** What a command inside says on both streams. */
export async function say(container: Container, script: string, user?: string): Promise<string> {
  const { stdout, stderr } = await container.exec(['/bin/sh', '-c', script], user === undefined ? {} : { user })
  return `${stdout}${stderr}`
}

import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import type { Call, Container, ContainerOptions, RootlessRuntime } from 'rootless-runtime'

/** What the calls below work on. */
export interface CallGround {
  readonly runtime: RootlessRuntime
  readonly image: string
  /** An archive that is loaded: of 16 MiB, so that it takes an engine a while. */
  readonly archive: Uint8Array
  readonly smallArchive: Uint8Array
  /** Runs, writes a line ten times a second, and does not end when it is asked to. */
  readonly busy: Container
  /** Was never started. */
  readonly idle: Container
  /** Begins the name of whatever a call makes. */
  readonly mark: string
}

/** Calls by their names. */
export type Calls = Readonly<Record<string, (call: Call) => Promise<unknown>>>

export const BUSY = ['sh', '-c', 'trap "" TERM; while :; do echo x; sleep 0.1; done']

/** Opens an engine, and makes what calls work on. */
export async function makeCallGround(runtime: RootlessRuntime, mark: string): Promise<CallGround> {
  const busybox = readFileSync('/bin/busybox')
  const image = `${mark}:latest`
  const smallArchive = await toDockerArchive(await buildTestImage(busybox), image)
  await runtime.images.load(Readable.from([smallArchive]))
  const ballast = { header: { name: 'ballast' }, content: makeBallast(16) }
  const archive = await toDockerArchive(await buildTestImage(busybox, {}, [ballast]), `${mark}-large:latest`)
  const other = { header: { name: 'ballast' }, content: makeBallast(8) }
  const exported = await toDockerArchive(await buildTestImage(busybox, {}, [other]), `${mark}-exported:latest`)
  await runtime.images.load(Readable.from([exported]))
  const { containers } = runtime
  const busy = await containers.run({ image, name: `${mark}-busy`, network: 'none', command: BUSY })
  await busy.exec(['dd', 'if=/dev/zero', 'of=/large', 'bs=1M', 'seek=2000', 'count=1'])
  const idle = await containers.create({ image, name: `${mark}-idle`, network: 'none' })
  return { runtime, image, archive, smallArchive, busy, idle, mark }
}

/** What cannot be compressed, so many MiB of it. */
function makeBallast(mebibytes: number): Uint8Array {
  return Buffer.concat(Array.from({ length: mebibytes * 16 }, () => crypto.getRandomValues(new Uint8Array(65_536))))
}

/** Calls that take as long as something runs, or as much as there is. */
export function listLongCalls({ runtime, busy, mark }: CallGround): Calls {
  return {
    exec: (call) => busy.exec(['sleep', '1000'], call),
    'exec with stdin': async (call) => {
      const process = await busy.open(['cat'], call)
      process.stdin.on('error', () => {}).write('x')
      return await process.ended
    },
    attach: async (call) => (await busy.attach(call)).ended,
    'output of attach': async (call) => await drain((await busy.attach(call)).stdout),
    'logs, following': (call) => drain(busy.logs({ ...call, follow: true })),
    wait: (call) => busy.wait(call),
    stop: (call) => busy.stop({ ...call, timeoutMs: 60_000 }),
    waitFor: (call) => busy.waitFor({ log: 'never' }, { ...call, timeoutMs: 60_000 }),
    events: (call) => drain(runtime.containers.events(call)),
    copyIn: (call) => busy.copyIn(neverEnding(), '/tmp', call),
    copyOut: async (call) => await drain(await busy.copyOut('/large', call), 1),
    export: async (call) => await drain(await runtime.images.export(`${mark}-exported:latest`, call), 300),
  }
}

/** Calls that are answered soon. What they make has a name of this round. */
export function listShortCalls(ground: CallGround, round: string): Calls {
  const { runtime, image, busy, idle } = ground
  const { images, containers } = runtime
  return {
    list: (call) => containers.list(call),
    inspect: (call) => busy.inspect(call),
    get: (call) => containers.get(busy.name, call),
    stats: (call) => busy.stats(call),
    logs: (call) => drain(busy.logs(call)),
    kill: (call) => busy.kill('SIGUSR1', call),
    'exec of true': (call) => busy.exec(['true'], call),
    'attach, opening': (call) => busy.attach(call),
    'copyOut, opening': (call) => busy.copyOut('/etc', call),
    hostAddress: (call) => busy.hostAddress(call),
    'remove of a running one': (call) => busy.remove(call),
    'copyIn of a file': (call) => idle.copyIn('/bin/busybox', '/tmp', call),
    images: (call) => images.list(call),
    'inspect of an image': (call) => images.inspect(image, call),
    pull: (call) => images.pull('127.0.0.1:1/nobody:here', call),
    networks: (call) => runtime.networks.list(call),
    volumes: (call) => runtime.volumes.list(call),
    sweep: (call) => containers.sweep(call),
    ...listMakingCalls(ground, round),
  }
}

/** Calls that make something. */
export function listMakingCalls({ runtime, image, idle, archive, mark }: CallGround, round: string): Calls {
  const { containers, images, networks, volumes } = runtime
  const named = (name: string, more: Partial<ContainerOptions> = {}): ContainerOptions => ({
    image,
    name: `${mark}-${round}-${name}`,
    network: 'none',
    ...more,
  })
  const secrets = { word: 'hunter2' }
  return {
    create: (call) => containers.create(named('create'), call),
    run: (call) => containers.run(named('run'), call),
    'run with a port': (call) => containers.run(named('port', { network: 'default', ports: [{ container: 80 }] }), call),
    'run with secrets': (call) => containers.run(named('secrets', { secrets }), call),
    "run with another user's secrets": (call) => containers.run(named('user', { secrets, user: '1000' }), call),
    runToEnd: (call) => containers.runToEnd({ ...named('end', { command: ['true'] }), ...call }),
    commit: (call) => idle.commit(`${mark}-${round}-commit:latest`, call),
    load: (call) => images.load(Readable.from([archive]), { ...call, reference: `${mark}-${round}-load:latest` }),
    'create of a network': (call) => networks.create(`${mark}-${round}`, call),
    'create of a volume': (call) => volumes.create(`${mark}-${round}`, call),
  }
}

/** Tells when the archive has been read and checked, and the engine gets the first of it. */
export async function loadAndTell({ runtime, archive }: CallGround, onLoading: () => void): Promise<void> {
  const onProgress = ({ phase }: { readonly phase: string }): void => {
    if (phase === 'loading') onLoading()
  }
  await runtime.images.load(Readable.from([archive]), { onProgress })
}

async function drain(items: AsyncIterable<unknown>, pauseMs = 0): Promise<void> {
  for await (const _ of items) if (pauseMs > 0) await sleep(pauseMs)
}

/** Name, mode, owner, group, size, time, kind and magic of a header of tar, each at its place. */
const FIELDS: readonly (readonly [place: number, text: string])[] = [
  [0, 'file'],
  [100, '0000644'],
  [108, '0000000'],
  [116, '0000000'],
  [124, '77777777777'],
  [136, '00000000000'],
  [148, '        0'],
  [257, 'ustar\u000000'],
]

/** A tar of one file of eight gibibytes, a little of it at a time. */
async function* neverEnding(): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(512)
  for (const [place, text] of FIELDS) header.write(text, place)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  yield header
  for (;;) {
    yield Buffer.alloc(65_536)
    await sleep(20)
  }
}

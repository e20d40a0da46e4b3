import {
  RootlessError,
  type Capabilities,
  type Container,
  type ContainerOptions,
  type Image,
  type Machine,
  type RootlessRuntime,
  type RunResult,
  type SpawnCommand,
  type Workplace,
} from '@rootless-runtime/core'
import { buildTestImage, SLEEP, toDockerArchive, type TestImage } from './test-image.ts'

/** What a suite runs with. */
export interface BenchSource {
  readonly open: () => Promise<RootlessRuntime>
  readonly workplace: Workplace
  /** The path of a statically linked busybox. */
  readonly busybox: string
  /**
   * A program that makes and starts one container with these options on this engine, prints its name and a newline, and waits.
   * It is killed to see what its death leaves.
   */
  readonly owner: (options: ContainerOptions) => SpawnCommand
  readonly foreign: ForeignCommands
}

/** The engine's own commands for a container that this library did not make: each a file and its arguments. */
export interface ForeignCommands {
  readonly make: (name: string, image: string) => readonly string[]
  /** Ends with 0 while it is there. */
  readonly look: (name: string) => readonly string[]
  readonly remove: (name: string) => readonly string[]
}

/** What every proof works with: one runtime, one image, and names that are nobody else's. */
export interface Bench {
  readonly runtime: RootlessRuntime
  /** Another runtime of the same engine. */
  readonly reopen: () => Promise<RootlessRuntime>
  readonly machine: Machine
  readonly capabilities: Capabilities
  readonly owner: BenchSource['owner']
  readonly foreign: ForeignCommands
  /** Begins every name that the suite gives. */
  readonly mark: string
  readonly image: string
  readonly testImage: TestImage
  readonly busybox: Uint8Array
  /** A folder of the caller's, for mounts and archives. */
  readonly folder: string
  /** A name that was not given before. */
  name(): string
  /** A container that sleeps, for proofs that only look and run commands inside; made once. */
  shared(): Promise<Container>
  /** Options of a container that sleeps until it is asked to end. */
  options(more?: Partial<ContainerOptions>): ContainerOptions
  run(more?: Partial<ContainerOptions>): Promise<Container>
  create(more?: Partial<ContainerOptions>): Promise<Container>
  /** Runs a shell script to its end. */
  say(script: string, more?: Partial<ContainerOptions>): Promise<RunResult>
  /** Names of the containers of this suite that are there, without the shared one. */
  left(): Promise<readonly string[]>
  /** Removes every container of this suite but the shared one. */
  clean(): Promise<void>
}

const LABEL = 'rrc.suite'

/** Opens a bench: makes the image, loads it, and asks the engine what it can do here. */
export async function openBench(source: BenchSource): Promise<Bench> {
  const { machine, hostFacts } = source.workplace
  const [runtime, host] = await Promise.all([source.open(), hostFacts()])
  const mark = `suite-${process.pid}-${Date.now().toString(36)}`
  const folder = await machine.files.makeTemporaryDirectory('/tmp', `${mark}-`)
  const busybox = await readBytes(machine, source.busybox)
  const testImage = await buildTestImage(busybox)
  const image = `${mark}:latest`
  await machine.files.write(`${folder}/image.tar`, await toDockerArchive(testImage, image))
  await runtime.images.load(`${folder}/image.tar`)
  const capabilities = await runtime.capabilities(host)
  const reopen = source.open
  const facts = {
    runtime,
    reopen,
    machine,
    capabilities,
    owner: source.owner,
    foreign: source.foreign,
    mark,
    image,
    testImage,
    busybox,
    folder,
  }
  return { ...facts, ...containersOf(runtime, mark, image) }
}

function containersOf(runtime: RootlessRuntime, mark: string, image: string) {
  const { containers } = runtime
  let count = 0
  let shared: Promise<Container> | undefined
  const name = (): string => `${mark}-${(count += 1)}`
  const sharedName = name()
  const options = (more: Partial<ContainerOptions> = {}): ContainerOptions => ({
    image,
    name: name(),
    network: 'none',
    ...more,
    labels: { [LABEL]: mark, ...more.labels },
  })
  const left = async (): Promise<readonly string[]> => {
    const states = await containers.list({ everyone: true })
    const own = states.filter((state) => state.name.startsWith(mark) || state.labels[LABEL] === mark)
    return own.map((state) => state.name).filter((each) => each !== sharedName)
  }
  return {
    name,
    options,
    left,
    shared: () => (shared ??= containers.run(options({ name: sharedName, command: SLEEP }))),
    run: (more: Partial<ContainerOptions> = {}) => containers.run(options(more)),
    create: (more: Partial<ContainerOptions> = {}) => containers.create(options(more)),
    say: (script: string, more: Partial<ContainerOptions> = {}) =>
      containers.runToEnd(options({ command: ['sh', '-c', script], ...more })),
    clean: async () => {
      const found = await Promise.all((await left()).map((each) => containers.get(each)))
      await Promise.all(found.map((each) => each.remove({ force: true })))
    },
  }
}

/** Removes everything that the suite made. */
export async function closeBench(bench: Bench): Promise<void> {
  const { runtime, machine, mark, folder } = bench
  const { containers, images, networks, volumes } = runtime
  await bench.clean()
  for (const { id, name } of await containers.list({ everyone: true })) {
    if (name.startsWith(mark)) await (await containers.get(id)).remove({ force: true })
  }
  for (const { name } of await listSupported(networks.list())) if (name.startsWith(mark)) await networks.remove(name)
  for (const { name } of await listSupported(volumes.list())) if (name.startsWith(mark)) await volumes.remove(name)
  for (const { references } of await images.list()) {
    for (const reference of references) if (reference.includes(mark)) await images.remove(reference)
  }
  await machine.files.remove(folder)
}

/** What an engine holds, as words that can be compared: containers, images, networks, volumes. */
export async function listEverything({ containers, images, networks, volumes }: RootlessRuntime): Promise<readonly string[]> {
  return [
    ...(await containers.list({ everyone: true })).map(({ id, name }) => `container ${name} ${id}`),
    ...(await images.list()).flatMap(nameImage),
    ...(await listSupported(networks.list())).map(({ name }) => `network ${name}`),
    ...(await listSupported(volumes.list())).map(({ name }) => `volume ${name}`),
  ]
}

/** An image by each of its references, and by its id with its labels: one without a reference is told apart by these. */
function nameImage({ id, references, config }: Image): readonly string[] {
  return [`${id} ${Object.values(config.labels).join(' ')}`, ...references].map((each) => `image ${each}`)
}

async function listSupported<Item>(list: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await list
  } catch (error) {
    if (error instanceof RootlessError && error.code === 'NOT_SUPPORTED') return []
    throw error
  }
}

async function readBytes({ files }: Machine, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await files.openRead(path)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

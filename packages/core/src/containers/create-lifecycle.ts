import type { Capabilities } from '../capabilities.ts'
import type { EngineName } from '../engine.ts'
import { RootlessError, type ErrorCode } from '../errors.ts'
import { printable } from '../printable.ts'
import { checkName, checkNetworkName, invalid, isImageName } from './check-words.ts'
import type { AdapterOptions } from '../runtime.ts'
import type { HostFacts } from '../host-facts.ts'
import type { Call, Containers } from './container.ts'
import type { DriverContext, EngineDriver } from './driver.ts'
import { throwIfAborted } from './ending.ts'
import { guardCreations } from './cut-creations.ts'
import type { Images } from './image.ts'
import { createLeftovers } from './leftovers.ts'
import type { Networks, Volumes } from './network.ts'
import { tellGone } from './tell-gone.ts'

/** What a runtime does beside answering questions. */
export interface Lifecycle {
  readonly images: Images
  readonly containers: Containers
  readonly networks: Networks
  readonly volumes: Volumes
}

/** What an adapter gives to have its lifecycle made. */
export interface LifecycleSource {
  readonly engine: EngineName
  readonly options: AdapterOptions
  readonly capabilities: (host: HostFacts) => Promise<Capabilities>
  /** Loads the adapter's driver. It is not loaded before something is run: whoever only looks does not pay for it. */
  readonly openDriver: (context: DriverContext) => Promise<EngineDriver>
}

/** The lifecycle of an adapter. Creating does nothing; the driver is opened once, by the first call. */
export function createLifecycle(source: LifecycleSource): Lifecycle {
  let opened: Promise<Lifecycle> | undefined
  // A signal that has fired ends every call before its driver sees it: the answer is the same on all engines.
  const open = async (call: Call | undefined): Promise<Lifecycle> => {
    throwIfAborted(call?.signal)
    return await (opened ??= openLifecycle(source))
  }
  return {
    images: deferImages(async (call) => (await open(call)).images),
    networks: deferNetworks(async (call) => (await open(call)).networks),
    volumes: deferVolumes(async (call) => (await open(call)).volumes),
    containers: deferContainers(async (call) => (await open(call)).containers),
  }
}

/** Loads what every driver needs beside itself, for a process that is about to give up the right to read its own files. */
export async function loadLifecycle(): Promise<void> {
  await import('./create-containers.ts')
}

async function openLifecycle({ engine, options, capabilities, openDriver }: LifecycleSource): Promise<Lifecycle> {
  const { workplace, timeoutMs } = options
  if (workplace === undefined) {
    throw new RootlessError('NOT_SUPPORTED', 'nothing can be run here: this runtime answers from a recording', { engine })
  }
  let asked: Promise<Capabilities> | undefined
  const context: DriverContext = {
    machine: workplace.machine,
    timeoutMs,
    capabilities: () => (asked ??= workplace.hostFacts().then(capabilities)),
  }
  const [driver, { createContainers }] = await Promise.all([openDriver(context), import('./create-containers.ts')])
  const { answeredAtMs } = driver
  const leftovers = createLeftovers()
  return {
    images: tellGone(driver.images, answeredAtMs),
    networks: tellGone(guardCreations(driver.networks, leftovers), answeredAtMs),
    volumes: tellGone(guardCreations(driver.volumes, leftovers), answeredAtMs),
    containers: createContainers(driver.containers, context, leftovers, answeredAtMs),
  }
}

/** A part of the driver, for a call whose signal has not fired. */
type Door<Part> = (call: Call | undefined) => Promise<Part>

function deferImages(images: Door<Images>): Images {
  return {
    load: async (imageSource, options) => (await images(options)).load(imageSource, options),
    pull: async (reference, options) => (await images(options)).pull(checkReference(reference), options),
    list: async (call) => (await images(call)).list(call),
    inspect: async (reference, call) => (await images(call)).inspect(checkFoundImage(reference), call),
    remove: async (reference, call) => (await images(call)).remove(checkFoundImage(reference), call),
    export: async (reference, call) => (await images(call)).export(checkFoundImage(reference), call),
  }
}

function deferNetworks(networks: Door<Networks>): Networks {
  return {
    create: async (name, options) => (await networks(options)).create(checkNetworkName(name), options),
    list: async (call) => (await networks(call)).list(call),
    remove: async (name, call) => (await networks(call)).remove(checkFound('NETWORK_NOT_FOUND', name), call),
  }
}

function deferVolumes(volumes: Door<Volumes>): Volumes {
  return {
    create: async (name, options) => (await volumes(options)).create(checkName('volume', name), options),
    list: async (call) => (await volumes(call)).list(call),
    remove: async (name, call) => (await volumes(call)).remove(checkFound('VOLUME_NOT_FOUND', name), call),
  }
}

function deferContainers(containers: Door<Containers>): Containers {
  return {
    create: async (options, call) => (await containers(call)).create(options, call),
    run: async (options, call) => (await containers(call)).run(options, call),
    runToEnd: async (options) => (await containers(options)).runToEnd(options),
    get: async (nameOrId, call) => (await containers(call)).get(checkFound('CONTAINER_NOT_FOUND', nameOrId), call),
    list: async (options) => (await containers(options)).list(options),
    sweep: async (call) => (await containers(call)).sweep(call),
    events: async function* (call) {
      yield* (await containers(call)).events(call)
    },
  }
}

/** What cannot be a name is not there, and no engine is asked for it: it would go into the path of a request, or of a folder. */
function checkFound(code: ErrorCode, word: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/u.test(word)) return word
  throw new RootlessError(code, `nothing can be called ${JSON.stringify(printable(word, 80))}`)
}

function checkFoundImage(image: string): string {
  if (isImageName(image)) return image
  throw new RootlessError('IMAGE_NOT_FOUND', `no image can be called ${JSON.stringify(printable(image, 80))}`)
}

function checkReference(reference: string): string {
  if (isImageName(reference)) return reference
  throw invalid('reference', reference, 'it is a name of an image, as registry/name:tag')
}

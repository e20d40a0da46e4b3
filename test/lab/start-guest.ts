import { join } from 'node:path'
import { ensureImage, ensureKey, type Image } from './build-image.ts'
import { cached, readGuestScript, requireFreeBytes, toKey, WARM_UP_SCRIPT } from './cache.ts'
import { createGuest, waitForSsh, type Guest } from './guest.ts'
import { runOnHost } from './host-command.ts'
import { LabError } from './lab-error.ts'
import { chooseAccelerator, ensureTools, readQemuVersion } from './machine.ts'
import { startMachine, toQemuArguments, type Machine, type MachineOptions } from './qemu.ts'
import { openMonitor } from './qemu-monitor.ts'
import { KERNEL_PARAMETERS, toKindName, type GuestKind } from './releases.ts'

const STATE_BYTES = 1024 ** 3
const WARM_UP_TIMEOUT_MS = 600_000
const SAVE_TIMEOUT_MS = 120_000

export interface StartGuestOptions extends GuestKind {
  /** Go on from the frozen, warmed-up state instead of booting. True unless told; a bare guest always boots. */
  readonly frozen?: boolean
  /** Parameters of the kernel beside those of the configuration; only a booted guest has them. */
  readonly kernelParameters?: readonly string[]
  /** How long a boot may take. */
  readonly bootTimeoutMs?: number
  readonly onProgress?: (line: string) => void
  readonly signal?: AbortSignal
}

/**
 * Starts a throwaway guest; whatever of it is missing in the cache is made first. Nothing that it writes is kept.
 *
 * @throws LabError with the tail of its console when it does not come up.
 */
export async function startGuest(options: StartGuestOptions): Promise<Guest> {
  const { onProgress = () => {}, configuration, frozen = configuration !== 'bare' } = options
  const prepared = await prepare(options)
  if (!frozen || configuration === 'bare') return bootGuest(prepared)
  const state = await ensureState(prepared)
  const started = performance.now()
  const machine = await startMachine({ ...prepared.machine, disk: toStateDisk(state), memory: join(state, 'memory.zst') })
  return withMachine(prepared, machine, async (guest) => {
    await waitUntilResumed(machine)
    // The first call opens the connection, so that the second is quick: the clock stands where it was frozen.
    await waitForSsh(machine, guest.run, 'root')
    await guest.must(`date -s @${(Date.now() / 1000).toFixed(3)}`, { user: 'root' })
    await waitForSsh(machine, guest.run, 'moby')
    onProgress(`${guest.name}: resumed in ${seconds(started)}`)
  })
}

/** Builds the image and freezes the state of a guest kind, if they are not there. */
export async function prepareGuest(options: StartGuestOptions): Promise<void> {
  const prepared = await prepare(options)
  if (options.configuration !== 'bare') await ensureState(prepared)
}

interface Prepared {
  readonly kind: GuestKind
  readonly image: Image
  readonly keyFile: string
  readonly machine: Omit<MachineOptions, 'memory'>
  readonly bootTimeoutMs: number | undefined
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal | undefined
}

async function prepare(options: StartGuestOptions): Promise<Prepared> {
  const { release, configuration, kernelParameters = [], bootTimeoutMs, onProgress = () => {}, signal } = options
  await ensureTools(onProgress)
  const image = await ensureImage(release, configuration === 'bare', { onProgress, signal })
  const accelerator = chooseAccelerator()
  return {
    kind: { release, configuration },
    image,
    keyFile: await ensureKey(onProgress),
    machine: {
      imageFolder: image.folder,
      disk: { file: join(image.folder, 'disk.ext4'), format: 'raw', keepWrites: false },
      kernelParameters: [...KERNEL_PARAMETERS[configuration][release], ...kernelParameters],
      accelerator,
    },
    bootTimeoutMs,
    onProgress,
    signal,
  }
}

function toStateDisk(state: string): MachineOptions['disk'] {
  return { file: join(state, 'disk.qcow2'), format: 'qcow2', keepWrites: false }
}

async function bootGuest(prepared: Prepared, disk = prepared.machine.disk): Promise<Guest> {
  const started = performance.now()
  const machine = await startMachine({ ...prepared.machine, disk })
  return withMachine(prepared, machine, async (guest) => {
    const user = prepared.kind.configuration === 'bare' ? 'root' : 'moby'
    await waitForSsh(machine, guest.run, user, prepared.bootTimeoutMs)
    prepared.onProgress(`${guest.name}: booted in ${seconds(started)} (${prepared.machine.accelerator.name})`)
  })
}

/** A guest that is up, or nothing left of it. */
async function withMachine(prepared: Prepared, machine: Machine, comeUp: (guest: Guest) => Promise<void>): Promise<Guest> {
  const { kind, keyFile, machine: options, signal } = prepared
  const guest = createGuest(machine, keyFile, { name: toKindName(kind), ...kind, accelerator: options.accelerator.name })
  // For as long as it lives: what waits for a guest that was ended gets an error at once.
  signal?.addEventListener('abort', () => void guest.stop(), { once: true })
  try {
    await comeUp(guest)
    signal?.throwIfAborted()
    return guest
  } catch (error) {
    await guest.stop()
    signal?.throwIfAborted()
    throw error
  }
}

/** The frozen state of a guest: the disk since boot and the memory, of one qemu version and one set of arguments. */
async function ensureState(prepared: Prepared): Promise<string> {
  const { kind, image, machine, onProgress } = prepared
  const name = toStateName(kind, image.key, await readQemuVersion(), machine)
  const make = async (folder: string): Promise<void> => {
    requireFreeBytes(STATE_BYTES)
    const started = performance.now()
    onProgress(`${name}: booting, warming up and freezing, one to three minutes`)
    const disk = join(folder, 'disk.qcow2')
    await runOnHost('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', machine.disk.file, disk])
    await freeze(prepared, disk, join(folder, 'memory.zst'))
    onProgress(`${name}: frozen after ${seconds(started)}`)
  }
  return (await cached(name, make, onProgress)).folder
}

/** The name of a frozen state in the cache: another qemu, or the same with other arguments, cannot go on from it. */
export function toStateName(kind: GuestKind, imageKey: string, qemuVersion: string, machine: MachineOptions): string {
  const shape = toQemuArguments({ ...machine, imageFolder: '', disk: { ...machine.disk, file: '' } }, '', 0)
  return `state-${toKindName(kind)}-${toKey([imageKey, qemuVersion, readGuestScript(WARM_UP_SCRIPT), ...shape])}`
}

async function freeze(prepared: Prepared, disk: string, memory: string): Promise<void> {
  const machine = await startMachine({ ...prepared.machine, disk: { file: disk, format: 'qcow2', keepWrites: true } })
  const user = 'moby'
  const guest = await withMachine(prepared, machine, async (booting) => {
    const started = performance.now()
    await waitForSsh(machine, booting.run, user)
    prepared.onProgress(`${booting.name}: booted in ${seconds(started)} (${prepared.machine.accelerator.name})`)
  })
  try {
    const input = readGuestScript(WARM_UP_SCRIPT)
    await guest.must('cat >/tmp/warm-up.sh && sh /tmp/warm-up.sh', { input, timeoutMs: WARM_UP_TIMEOUT_MS })
    using monitor = await openMonitor(machine.monitorPath)
    await monitor.execute('stop')
    await monitor.execute('migrate-set-parameters', { 'max-bandwidth': 8 * 1024 ** 3 })
    await monitor.execute('migrate', { uri: `exec:zstd -1 -T2 -q >'${memory.replaceAll("'", `'\\''`)}'` })
    await waitFor(SAVE_TIMEOUT_MS, 'the guest was not saved', async () => {
      const status = readStatus(await monitor.execute('query-migrate'))
      if (status === 'failed' || status === 'cancelled') throw new LabError(`saving the guest: ${status}`, 'is the disk full?')
      return status === 'completed'
    })
    await monitor.execute('quit').catch(() => {})
  } finally {
    await guest.stop()
  }
  await runOnHost('zstd', ['-tq', memory])
}

/** A machine saved while stopped comes back paused once its memory is loaded. */
async function waitUntilResumed(machine: Machine): Promise<void> {
  await waitFor(60_000, 'the frozen state was not loaded', async () => {
    machine.requireRunning()
    try {
      using monitor = await openMonitor(machine.monitorPath)
      const status = readStatus(await monitor.execute('query-status'))
      if (status === 'inmigrate') return false
      if (status !== 'running') await monitor.execute('cont')
      return true
    } catch (error) {
      machine.requireRunning()
      // Its socket is not there yet.
      if (error instanceof Error && /ENOENT|ECONNREFUSED/u.test(error.message)) return false
      throw error
    }
  })
}

function readStatus(answer: unknown): string {
  const status: unknown = typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : undefined
  return typeof status === 'string' ? status : ''
}

async function waitFor(timeoutMs: number, failure: string, look: () => Promise<boolean>): Promise<void> {
  const started = performance.now()
  while (!(await look())) {
    if (performance.now() - started > timeoutMs)
      throw new LabError(`${failure} within ${timeoutMs / 1000} s`, 'try again; look at the load')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

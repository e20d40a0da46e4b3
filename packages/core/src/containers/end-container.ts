import { RootlessError } from '../errors.ts'
import type { ContainerDriver, DriverState } from './driver.ts'
import { hasCode, pause, throwIfAborted } from './ending.ts'

const DEFAULT_STOP_MS = 10_000
/**
 * How long the end of a process that got SIGKILL may take to be heard of: the kernel ends it at once, unless it sleeps
 * uninterruptibly, and an engine on a busy emulated processor was seen to need more than ten seconds to say so (Podman 4.3.1).
 */
const KILL_MS = 30_000

export interface StopRequest {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Asks a container to end, and ends it when it does not. */
export async function stopContainer(
  driver: ContainerDriver,
  id: string,
  { timeoutMs = DEFAULT_STOP_MS, signal }: StopRequest,
): Promise<void> {
  const state = await driver.inspect(id, call(signal))
  if (state.status === 'ended' || state.status === 'created') return
  if (state.status === 'paused') await driver.resume(id, call(signal))
  await killQuietly(driver, state, state.stopSignal ?? 'SIGTERM', signal)
  if (await endsWithin(driver, id, timeoutMs, signal)) return
  await killQuietly(driver, state, 'SIGKILL', signal)
  if (await endsWithin(driver, id, KILL_MS, signal)) return
  throw new RootlessError('ENGINE_TIMEOUT', `${state.name} did not end within ${KILL_MS / 1000} s of SIGKILL`, {
    engine: driver.engine,
  })
}

/** Removes a container, running or not; one that is gone already is fine. */
export async function removeByForce(driver: ContainerDriver, id: string, signal?: AbortSignal): Promise<void> {
  try {
    await stopContainer(driver, id, { timeoutMs: 0, signal })
    await driver.remove(id, call(signal))
  } catch (error) {
    if (!hasCode(error, 'CONTAINER_NOT_FOUND')) throw error
  }
}

async function killQuietly(
  driver: ContainerDriver,
  { id }: DriverState,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await driver.kill(id, name, call(signal))
  } catch (error) {
    if (!isOver(error)) throw error
  }
}

/** One that was there has ended: it does not run any more, or its own removal at its end was faster than the question. */
function isOver(error: unknown): boolean {
  return hasCode(error, 'NOT_RUNNING') || hasCode(error, 'CONTAINER_NOT_FOUND')
}

async function endsWithin(
  driver: ContainerDriver,
  id: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (timeoutMs <= 0) return false
  const patience = new AbortController()
  const stop = signal === undefined ? patience.signal : AbortSignal.any([patience.signal, signal])
  const timer = setTimeout(() => patience.abort(), timeoutMs)
  try {
    await driver.wait(id, { signal: stop })
    return true
  } catch (error) {
    throwIfAborted(signal)
    if (patience.signal.aborted) return false
    if (isOver(error)) return true
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function call(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

/** Waits until every published port is listened on outside, for as long as RootlessKit's implicit port driver takes to see one. */
export async function waitUntil(question: () => Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const end = Date.now() + timeoutMs
  for (;;) {
    if (await question()) return true
    if (Date.now() >= end) return false
    await pause(50, signal)
  }
}

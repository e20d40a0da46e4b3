import { RootlessError, type Call, type ContainerProcess, type ExecPlan, type TerminalSize } from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import type { EndCommand } from './podman-end-process.ts'
import { goneError, toRefusal, unreadableError } from './podman-errors.ts'
import { inspectContainer, toContainerPath } from './podman-inspect.ts'
import { toContainerProcess } from './podman-process.ts'
import { execByProgram, losesBytes, type ProgramPlace } from './podman-program-stdin.ts'

/** A container to attach to. */
export interface Attached {
  readonly id: string
  readonly terminal: boolean
  /** Whether its command's stdin is open. */
  readonly stdin: boolean
}

/** A container's own streams, from before its start. */
export async function attach(api: PodmanApi, { id, terminal, stdin }: Attached, call: Call): Promise<ContainerProcess> {
  const what = `attach to ${id}`
  const lost = await api.lost()
  // Without keys to detach: the two bytes of them may be in anybody's input.
  const query = `stream=true&stdin=${stdin}&stdout=true&stderr=true&detachKeys=`
  const path = `${toContainerPath(id)}/attach?${query}`
  const connection = await api.upgrade({ method: 'POST', path, what, improperState: 'NOT_RUNNING' }, call)
  return toContainerProcess({
    what,
    connection,
    terminal,
    stdin,
    lost,
    isServed: () => api.isServed(lost),
    signal: call.signal,
    exitCode: () => waitOnce(api, id, SHORT_WAIT_MS, call),
    resize: (size) => resize(api, 'containers', id, size),
    toRefusal: () => null,
  })
}

/** How often Podman itself looks whether a container has ended; each look reads its database. Its own default is 250 ms. */
const LONG_WAIT_MS = 100
/** The same when its streams have ended, so that only Podman's own cleaning up is left. */
const SHORT_WAIT_MS = 10

/** The exit code, as soon as it has ended; one that was never started has not. */
export async function wait(api: PodmanApi, id: string, call: Call): Promise<number> {
  for (;;) {
    const exitCode = await waitOnce(api, id, LONG_WAIT_MS, call)
    if (exitCode !== 0) return exitCode
    // Podman says 0 at once of one that was never started, which may have been meanwhile (4.3.1).
    const { state } = await inspectContainer(api, id, call)
    if (state.exitCode !== null) return state.exitCode
    await pause(LONG_WAIT_MS, call.signal)
  }
}

async function waitOnce(api: PodmanApi, id: string, intervalMs: number, call: Call): Promise<number> {
  const what = `wait for ${id}`
  const path = `${toContainerPath(id)}/wait?condition=exited&interval=${intervalMs}ms`
  const answer = z.number().safeParse(await api.ask({ method: 'POST', path, what, timeoutMs: null }, call))
  if (!answer.success) throw unreadableError(what, 'it is no number')
  return answer.data
}

/** Shorter when the signal fires: whoever asks next hears of it. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const passed = Promise.withResolvers<void>()
  const onAbort = (): void => passed.resolve()
  const timer = setTimeout(onAbort, milliseconds)
  signal?.addEventListener('abort', onAbort, { once: true })
  await passed.promise
  clearTimeout(timer)
  signal?.removeEventListener('abort', onAbort)
}

/**
 * A sequence that nobody types: in an exec Podman always has one, and looks for it in what comes byte by byte. An empty one would be
 * its default, ctrl-p ctrl-q.
 */
const DETACH_KEYS = Array.from({ length: 32 }, (_, index) => 'qzxjk'[(index * index) % 5]).join(',')

const created = z.object({ Id: z.string() })

/** What a command inside needs: the API, and what ends the command when its caller gives it up. */
export interface ExecPlace extends ProgramPlace {
  readonly endCommand: EndCommand
}

/** A command beside the container's own. */
export async function exec(place: ExecPlace, id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess> {
  const { api, endCommand } = place
  if (!plan.terminal && (await losesBytes(api))) return await execByProgram(place, id, plan, call)
  const what = `exec in ${id}`
  const lost = await api.lost()
  const json = {
    Cmd: plan.command,
    Env: Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`),
    AttachStdin: plan.stdin,
    AttachStdout: true,
    AttachStderr: true,
    Tty: plan.terminal,
    DetachKeys: DETACH_KEYS,
    ...(plan.workdir !== null && { WorkingDir: plan.workdir }),
    ...(plan.user !== null && { User: plan.user }),
  }
  const path = `${toContainerPath(id)}/exec`
  const answer = created.safeParse(await api.ask({ method: 'POST', path, what, json, improperState: 'NOT_RUNNING' }, call))
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  const session = encodeURIComponent(answer.data.Id)
  const start = { Detach: false, Tty: plan.terminal }
  const onAbort = (): void => void endCommand(session)
  call.signal?.addEventListener('abort', onAbort, { once: true })
  const forget = (): void => call.signal?.removeEventListener('abort', onAbort)
  const connection = await api
    .upgrade({ method: 'POST', path: `/exec/${session}/start`, what, json: start }, call)
    .catch((error: unknown) => {
      forget()
      throw error
    })
  const process = toContainerProcess({
    what,
    connection,
    terminal: plan.terminal,
    stdin: plan.stdin,
    lost,
    isServed: () => api.isServed(lost),
    signal: call.signal,
    exitCode: () => readExitCode(api, session, { what, lost }),
    resize: (size) => resize(api, 'exec', session, size),
    toRefusal: (stderr) => (RUNTIME_WORDS.test(stderr) ? toRefusal({ what }, stderr) : null),
  })
  void process.ended.then(forget, forget)
  return process
}

/** Podman's own "Error: ..." about a runtime, and no command's: `runc: exec failed`, `crun: executable file`, `OCI runtime error`. */
const RUNTIME_WORDS = /^Error: .*(?:\bOCI (?:runtime|permission|not found)|\b(?:runc|crun): )/u

const session = z.object({ Running: z.boolean(), ExitCode: z.number() })
/** Between two looks at a command whose streams have ended. */
const LOOK_MS = 20

async function readExitCode(
  api: PodmanApi,
  id: string,
  { what, lost }: { readonly what: string; readonly lost: AbortSignal },
): Promise<number> {
  for (;;) {
    // Another service does not know whether the streams were read to the end.
    if (lost.aborted) throw goneError(what)
    const answer = session.safeParse(await api.ask({ method: 'GET', path: `/exec/${id}/json`, what }, {}))
    if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
    if (!answer.data.Running) return checkExitCode(answer.data.ExitCode, what)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** Podman says -1 when conmon could not write the exit code down (4.3.1, after five seconds). */
function checkExitCode(exitCode: number, what: string): number {
  if (exitCode >= 0) return exitCode
  const why = 'it ended, and its exit code could not be written down, as on a disk that is full'
  throw new RootlessError('HOST_REFUSED', `${what}: ${why}`, { engine: 'podman', evidence: `ExitCode ${exitCode}` })
}

async function resize(api: PodmanApi, kind: 'containers' | 'exec', id: string, { columns, rows }: TerminalSize): Promise<void> {
  const path = `/${kind}/${encodeURIComponent(id)}/resize?h=${rows}&w=${columns}`
  await api.ask({ method: 'POST', path, what: `resize the terminal of ${id}`, improperState: 'NOT_RUNNING' }, {})
}

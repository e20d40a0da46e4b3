import { Transform, Writable, type Readable } from 'node:stream'
import {
  isAtLeastVersion,
  printable,
  RootlessError,
  type Call,
  type ContainerProcess,
  type ExecPlan,
  type Machine,
  type ProcessEnd,
  type SpawnedProcess,
} from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import type { EndCommand } from './podman-end-process.ts'
import { abortedError, goneError, toRefusal, unavailable } from './podman-errors.ts'
import { inspectContainer } from './podman-inspect.ts'

/** What Podman's own program is started with. */
export interface ProgramPlace {
  readonly api: PodmanApi
  readonly machine: Pick<Machine, 'spawn'>
}

/**
 * Whether the service loses the end of stdin, so that a command waits for more for ever, and the last byte of each piece of output
 * of 8192 bytes: 3.0.1 does, 4.3.1 does not.
 */
export async function losesBytes(api: PodmanApi): Promise<boolean> {
  return !isAtLeastVersion(await api.version(), 4, 0)
}

/** A command inside, by `podman exec`, which loses nothing. */
export async function execByProgram(place: EndingPlace, id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess> {
  const what = `exec in ${id}`
  const { state, execIds } = await inspectContainer(place.api, id, call)
  if (state.status !== 'running') throw new RootlessError('NOT_RUNNING', `${what}: it is ${state.status}`, { engine: 'podman' })
  const spawned = await spawnPodman(place, [
    'exec',
    ...(plan.stdin ? ['--interactive'] : []),
    '--detach-keys=',
    ...Object.entries(plan.environment).map(([name, value]) => `--env=${name}=${value}`),
    ...(plan.workdir === null ? [] : [`--workdir=${plan.workdir}`]),
    ...(plan.user === null ? [] : [`--user=${plan.user}`]),
    state.id,
    ...plan.command,
  ])
  // Not waited for: a command may have ended before it is found.
  const finding = findSession(place.api, { id: state.id, before: new Set(execIds), plan, spawned })
  const onAbort = (): void => {
    const ending = finding.then((session) => (session === null ? undefined : place.endCommand(session)))
    void ending.finally(() => spawned.kill('SIGKILL')).catch(() => {})
  }
  if (call.signal?.aborted === true) onAbort()
  call.signal?.addEventListener('abort', onAbort, { once: true })
  if (!plan.stdin) spawned.stdin.end()
  const words = holdWords(spawned, what)
  const ended = spawned.ended.then((end) => {
    call.signal?.removeEventListener('abort', onAbort)
    if (call.signal?.aborted === true) throw abortedError(what, call.signal)
    const refusal = words.toRefusal(end)
    if (refusal !== null) throw refusal
    if ('exitCode' in end) return end.exitCode
    throw goneError(what, new Error(`podman exec was ended by ${end.signal}`))
  })
  // Whoever waits for the end hears of it.
  ended.catch(() => {})
  return { stdin: spawned.stdin, stdout: spawned.stdout, stderr: words.stderr, ended, resize: async () => {} }
}

/** What a command is ended with, too. */
export interface EndingPlace extends ProgramPlace {
  readonly endCommand: EndCommand
}

const described = z.object({
  ProcessConfig: z.object({ entrypoint: z.string(), arguments: z.array(z.string()).nullish() }),
})

interface Sought {
  readonly id: string
  /** Commands that were inside already. */
  readonly before: ReadonlySet<string>
  readonly plan: ExecPlan
  readonly spawned: SpawnedProcess
}

/** By what Podman calls the command that its program has just begun; `null` when the program ended before it had. */
async function findSession(api: PodmanApi, { id, before, plan, spawned }: Sought): Promise<string | null> {
  const what = `exec in ${id}`
  const over = { is: false }
  void spawned.ended.then(() => (over.is = true))
  while (!over.is) {
    const execIds = await inspectContainer(api, id, {}).then(
      (found) => found.execIds,
      () => [],
    )
    for (const found of execIds.filter((each) => !before.has(each))) {
      const config = described.safeParse(
        await api.ask({ method: 'GET', path: `/exec/${found}/json`, what }, {}).catch(() => null),
      )
      if (!config.success) continue
      const { entrypoint, arguments: rest } = config.data.ProcessConfig
      if (JSON.stringify([entrypoint, ...(rest ?? [])]) === JSON.stringify(plan.command)) return found
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return null
}

/** Between two looks. */
const LOOK_MS = 20

/** What `podman exec` ends with when it is not the command's own exit code, podman-exec(1); 3.0.1 says 255, too. */
const OWN_EXIT_CODES: ReadonlySet<number> = new Set([125, 126, 127, 255])
const MAXIMUM_WORDS_BYTES = 8192

interface HeldWords {
  readonly stderr: Readable
  toRefusal(end: ProcessEnd): RootlessError | null
}

/** Podman's own "Error: " at the beginning of stderr is held back until it is clear whose it is. */
function holdWords(spawned: SpawnedProcess, what: string): HeldWords {
  let held: Buffer | null = Buffer.alloc(0)
  const judge = (end: ProcessEnd): RootlessError | null => {
    const words = held?.toString() ?? ''
    if (!words.startsWith('Error: ') || !('exitCode' in end) || !OWN_EXIT_CODES.has(end.exitCode)) return null
    const refusal = toRefusal({ what, improperState: 'NOT_RUNNING' }, words.slice('Error: '.length))
    return refusal.code === 'ENGINE_REFUSED' ? null : refusal
  }
  const stderr = new Transform({
    transform: (chunk: Buffer, _, callback) => {
      if (held === null) return callback(null, chunk)
      held = Buffer.concat([held, chunk])
      if (held.length < MAXIMUM_WORDS_BYTES && held.toString('latin1', 0, 7).startsWith('Error: ')) return callback()
      callback(null, held)
      held = null
    },
    flush: (callback) => {
      void spawned.ended.then((end) => callback(null, judge(end) === null ? held : null))
    },
  })
  spawned.stderr.pipe(stderr)
  return { stderr, toRefusal: judge }
}

async function spawnPodman({ machine }: ProgramPlace, words: readonly string[]): Promise<SpawnedProcess> {
  const environment = { CONTAINER_HOST: undefined, CONTAINER_CONNECTION: undefined }
  // Its warnings would be told as the command's; its errors are not of its log.
  const all = ['--log-level=fatal', ...words]
  const answer = await machine.spawn({ file: 'podman', arguments: all, environment, lifetime: 'caller' })
  if (answer.status === 'ok') return answer.value
  throw unavailable(`podman ${words[0] ?? ''} was not started: ${printable(answer.reason)}`)
}

/** A container that will run. */
export interface AttachedContainer {
  readonly id: string
  readonly awaitStart: () => Promise<void>
}

/** The stdin of a container, by `podman attach` from when it runs: what comes before waits. Its output is read elsewhere. */
export function createAttachedStdin(place: ProgramPlace, { id, awaitStart }: AttachedContainer): Writable {
  let opening: Promise<Writable> | undefined
  const open = async (): Promise<Writable> => {
    await awaitStart()
    const { stdin, stdout, stderr } = await spawnPodman(place, ['attach', '--detach-keys=', '--sig-proxy=false', id])
    stdout.resume()
    stderr.resume()
    return stdin
  }
  const use = (work: (stdin: Writable) => void, callback: (error?: Error | null) => void): void => {
    opening ??= open()
    opening.then((stdin) => (stdin.writable ? work(stdin) : callback()), callback)
  }
  return new Writable({
    write: (chunk: Uint8Array, _, callback) => use((stdin) => void stdin.write(chunk, () => callback()), callback),
    final: (callback) =>
      use((stdin) => {
        stdin.end()
        callback()
      }, callback),
  })
}

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
import type { PodmanApi } from './podman-api.ts'
import { abortedError, goneError, toRefusal, unavailable } from './podman-errors.ts'
import { inspectContainer } from './podman-inspect.ts'

/** What Podman's own program is started with. */
export interface ProgramPlace {
  readonly api: PodmanApi
  readonly machine: Pick<Machine, 'spawn'>
}

/** Whether the service keeps the end of stdin to itself, so that a command waits for more for ever (3.0.1; 4.3.1 tells it). */
export async function losesEndOfStdin(api: PodmanApi): Promise<boolean> {
  return !isAtLeastVersion(await api.version(), 4, 0)
}

/** A command inside, by `podman exec`, which does close its stdin. */
export async function execByProgram(place: ProgramPlace, id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess> {
  const what = `exec in ${id}`
  const { state } = await inspectContainer(place.api, id, call)
  if (state.status !== 'running') throw new RootlessError('NOT_RUNNING', `${what}: it is ${state.status}`, { engine: 'podman' })
  const spawned = await spawnPodman(place, [
    'exec',
    '--interactive',
    '--detach-keys=',
    ...Object.entries(plan.environment).map(([name, value]) => `--env=${name}=${value}`),
    ...(plan.workdir === null ? [] : [`--workdir=${plan.workdir}`]),
    ...(plan.user === null ? [] : [`--user=${plan.user}`]),
    state.id,
    ...plan.command,
  ])
  const onAbort = (): void => spawned.kill('SIGKILL')
  call.signal?.addEventListener('abort', onAbort, { once: true })
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

/** Between two looks at a container that somebody is about to start. */
const LOOK_MS = 50

/** The stdin of a container, by `podman attach` from when it runs: what comes before waits. Its output is read elsewhere. */
export function createAttachedStdin(place: ProgramPlace, id: string, call: Call): Writable {
  let opening: Promise<Writable | null> | undefined
  const open = async (): Promise<Writable | null> => {
    for (;;) {
      const { state } = await inspectContainer(place.api, id, call)
      if (state.status === 'ended') return null
      if (state.status !== 'created') break
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    const { stdin, stdout, stderr } = await spawnPodman(place, ['attach', '--detach-keys=', '--sig-proxy=false', id])
    stdout.resume()
    stderr.resume()
    return stdin
  }
  const use = (work: (stdin: Writable) => void, callback: (error?: Error | null) => void): void => {
    opening ??= open()
    opening.then((stdin) => (stdin === null || !stdin.writable ? callback() : work(stdin)), callback)
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

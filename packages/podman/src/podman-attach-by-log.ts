import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { RootlessError, type Call, type ContainerProcess, type DriverState, type SystemFiles } from '@rootless-runtime/core'
import type { PodmanApi } from './podman-api.ts'
import { inspectContainer } from './podman-inspect.ts'
import { readLogFile } from './podman-log-file.ts'
import { createAttachedStdin, type ProgramPlace } from './podman-program-stdin.ts'

/** What the streams of a container are put together from. */
export interface LogPlace extends ProgramPlace {
  readonly files: Pick<SystemFiles, 'openRead' | 'watch'>
  readonly wait: (id: string, call: Call) => Promise<number>
}

/** A container that is attached to, and where it stood then. */
export interface LoggedContainer {
  readonly state: DriverState
  readonly logPath: string
  readonly stdin: boolean
}

/**
 * A container's own streams without Podman's: 3.0.1 loses the last byte of each piece of 8192, and the end of stdin. What it says
 * comes from its log, in which nothing is lost, so what nobody reads does not hold it up.
 */
export function attachByLog(place: LogPlace, container: LoggedContainer, call: Call): ContainerProcess {
  const { state, logPath, stdin } = container
  const outputs = { stdout: new PassThrough(), stderr: new PassThrough() }
  const all = [outputs.stdout, outputs.stderr]
  for (const output of all) output.on('error', () => {})
  const what = `attach to ${state.id}`
  const file = {
    what,
    path: logPath,
    files: place.files,
    awaitEnd: async (signal: AbortSignal) => {
      await awaitRun(place.api, state, { signal })
      await place.wait(state.id, { signal })
    },
  }
  const pump = async (): Promise<number> => {
    const since = new Date()
    for await (const batch of readLogFile(file, { ...call, follow: true, since })) {
      for (const { stream, data } of batch) {
        const output = outputs[stream]
        if (!output.destroyed && !output.write(data)) await Promise.race([once(output, 'drain'), once(output, 'close')])
      }
    }
    for (const output of all) output.end()
    return await place.wait(state.id, call)
  }
  const ended = pump().catch((error: unknown) => {
    const given = error instanceof Error ? error : new Error(String(error))
    for (const output of all) output.destroy(given)
    throw given
  })
  // Whoever reads or waits hears of an error.
  ended.catch(() => {})
  const awaitStart = (): Promise<void> => awaitRun(place.api, state, call)
  const input = stdin ? createAttachedStdin(place, { id: state.id, awaitStart }) : createNoStdin()
  return { stdin: input, ...outputs, ended, resize: async () => {} }
}

/** Between two looks at a container that somebody is about to start. */
const LOOK_MS = 50

/** Until it was started once more than when it was attached to; a container that runs has been. */
async function awaitRun(api: PodmanApi, before: DriverState, call: Call): Promise<void> {
  if (before.status === 'running' || before.status === 'paused') return
  for (;;) {
    const { state } = await inspectContainer(api, before.id, call)
    if (state.status !== 'created' && state.startedAt?.getTime() !== before.startedAt?.getTime()) return
    if (call.signal?.aborted === true) throw new RootlessError('ABORTED', 'ended by the caller', { engine: 'podman' })
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function createNoStdin(): Writable {
  return new Writable({ write: (_chunk, _encoding, callback) => callback() })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { RootlessError, type Call, type ContainerProcess, type ExecPlan, type TerminalSize } from '@rootless-runtime/core'
import type { OpenAnswer } from '@rootless-runtime/core/http'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'
import { endCommand } from './docker-end-process.ts'
import { goneError, toRefusal } from './docker-errors.ts'
import type { DockerPlace } from './docker-lifecycle.ts'
import { noStdin, splitStreams, toStdin, type CommandStreams } from './docker-streams.ts'

const execCreated = z.object({ Id: z.string() })
const execInspect = z.object({ Running: z.boolean(), ExitCode: z.number().nullable(), Pid: z.number() })
type ExecState = z.infer<typeof execInspect>

/** Runs a command in a container. @throws RootlessError `COMMAND_NOT_FOUND` and the like when it could not be started */
export async function startExec(place: DockerPlace, id: string, plan: ExecPlan, call: Call): Promise<ContainerProcess> {
  const { client, endProcess } = place
  const what = `running ${plan.command[0] ?? 'nothing'} in ${id}`
  const create = {
    method: 'POST',
    path: `/containers/${encodeURIComponent(id)}/exec`,
    body: { json: toExecBody(plan) },
    what,
  } as const
  const { Id } = parseReply(execCreated, await client.work(create, call), what)
  const inspect = (): Promise<ExecState> => inspectExec(client, Id, what)
  const giveUp = async (error: unknown): Promise<never> => {
    if (call.signal?.aborted === true) await endCommand(inspect, endProcess)
    throw error
  }
  const { answer, streams } = await openStreams(client, Id, plan, what, call).catch(giveUp)
  const stdin = plan.stdin ? toStdin(answer.connection) : noStdin(answer.connection)
  const begun = await waitForStart(inspect, streams, what).catch(async (error: unknown) => {
    answer.close()
    return await giveUp(error)
  })
  const ended = streams.closed.then(() => toExitCode(begun) ?? waitForEnd(inspect), giveUp)
  ended.catch(() => undefined)
  const resize = (size: TerminalSize): Promise<void> => resizeExec(client, Id, plan.terminal, size)
  return { stdin, stdout: streams.stdout, stderr: streams.stderr, ended, resize }
}

function toExecBody(plan: ExecPlan): Readonly<Record<string, unknown>> {
  return {
    Cmd: plan.command,
    Env: Object.entries(plan.environment).map(([name, value]) => `${name}=${value}`),
    ...(plan.workdir !== null && { WorkingDir: plan.workdir }),
    ...(plan.user !== null && { User: plan.user }),
    Tty: plan.terminal,
    AttachStdin: plan.stdin,
    AttachStdout: true,
    AttachStderr: true,
  }
}

interface Opened {
  readonly answer: OpenAnswer
  readonly streams: CommandStreams
}

async function openStreams(client: DockerClient, execId: string, plan: ExecPlan, what: string, call: Call): Promise<Opened> {
  const opened = Promise.withResolvers<CommandStreams>()
  const body = { json: { Detach: false, Tty: plan.terminal } }
  const start = { method: 'POST', path: `/exec/${execId}/start`, body, upgrade: true, what } as const
  const answer = await client.open(start, call, (open) => {
    const streams = splitStreams(open, plan.terminal, what)
    opened.resolve(streams)
    return streams.sink
  })
  return { answer, streams: await opened.promise }
}

async function inspectExec(client: DockerClient, execId: string, what: string): Promise<ExecState> {
  try {
    return parseReply(execInspect, await client.ask({ method: 'GET', path: `/exec/${execId}/json`, what }, {}), what)
  } catch (error) {
    // An engine that was there when the command was started, and is not now, or has forgotten it, has died in between.
    const isLost =
      error instanceof RootlessError && ['ENGINE_UNAVAILABLE', 'CONTAINER_NOT_FOUND', 'ENGINE_REFUSED'].includes(error.code)
    throw isLost ? goneError(what, error) : error
  }
}

/** A start takes longer than this, and whoever asks earlier only takes the time from it (20.10: 40 ms and more). */
const FIRST_LOOK_MS = 25

/**
 * Docker answers before it has started the command, and says on its stdout why it could not (20.10 to 28). Such a command has no
 * process: that, and not what it wrote, tells it from one that ran.
 */
async function waitForStart(
  inspect: () => Promise<ExecState>,
  { stdout, closed }: CommandStreams,
  what: string,
): Promise<ExecState> {
  const readable = Promise.withResolvers<void>()
  stdout.once('readable', readable.resolve)
  let signs: readonly Promise<boolean>[] = [Promise.race([readable.promise, closed]).then(() => true)]
  try {
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, 100)) {
      if (await Promise.race([...signs, sleep(pauseMs, false)])) {
        // It has written or ended: Docker notes its process within a millisecond or two.
        signs = []
        pauseMs = 1
      }
      const state = await inspect()
      if (state.Pid > 0) return state
      if (state.Running || state.ExitCode === null) continue
      await closed
      throw toRefusal(what, String(stdout.read() ?? `it ended with ${state.ExitCode} before it began`).trim())
    }
  } finally {
    // While somebody listens for it, a stream does not flow.
    stdout.off('readable', readable.resolve)
  }
}

function toExitCode({ Running, ExitCode }: ExecState): number | null {
  return Running ? null : ExitCode
}

// The streams may be closed before the end: a command can close its own.
async function waitForEnd(inspect: () => Promise<ExecState>): Promise<number> {
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 200)) {
    const exitCode = toExitCode(await inspect())
    if (exitCode !== null) return exitCode
    await sleep(pauseMs)
  }
}

async function resizeExec(client: DockerClient, execId: string, terminal: boolean, size: TerminalSize): Promise<void> {
  if (!terminal) return
  const path = `/exec/${execId}/resize?h=${size.rows}&w=${size.columns}`
  await client.ask({ method: 'POST', path, what: 'the size of the terminal' }, {})
}

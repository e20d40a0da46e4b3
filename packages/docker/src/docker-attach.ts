import { type Call, type ContainerProcess, type TerminalSize } from '@rootless-runtime/core'
import type { DockerClient } from './docker-client.ts'
import { noStdin, splitStreams, toStdin, type CommandStreams } from './docker-streams.ts'

/** What is attached to, and how its end is known once its streams are closed. */
export interface AttachTarget {
  readonly id: string
  readonly terminal: boolean
  readonly stdin: boolean
  readonly exitCode: () => Promise<number>
}

/** The streams of a container's own command, from now on. */
export async function attachTo(client: DockerClient, target: AttachTarget, call: Call): Promise<ContainerProcess> {
  const { id, terminal, stdin } = target
  const what = `attaching to ${id}`
  const opened = Promise.withResolvers<CommandStreams>()
  const path = `/containers/${id}/attach?stream=1&stdout=1&stderr=1&stdin=${stdin ? 1 : 0}`
  const answer = await client.open({ method: 'POST', path, upgrade: true, what }, call, (open) => {
    const made = splitStreams(open, terminal, what)
    opened.resolve(made)
    return made.sink
  })
  const streams = await opened.promise
  const ended = streams.closed.then(target.exitCode)
  ended.catch(() => undefined)
  return {
    stdin: stdin ? toStdin(answer.connection) : noStdin(answer.connection),
    stdout: streams.stdout,
    stderr: streams.stderr,
    ended,
    resize: (size) => resizeContainer(client, target, size),
  }
}

async function resizeContainer(client: DockerClient, { id, terminal }: AttachTarget, size: TerminalSize): Promise<void> {
  if (!terminal) return
  const path = `/containers/${id}/resize?h=${size.rows}&w=${size.columns}`
  await client.ask({ method: 'POST', path, what: `the size of the terminal of ${id}` }, {})
}

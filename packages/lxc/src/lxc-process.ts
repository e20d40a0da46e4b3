import { Readable, Writable } from 'node:stream'
import type { ContainerProcess } from '@rootless-runtime/core'
import type { Frame } from './lxc-frames.ts'
import { toGone } from './lxc-refusals.ts'
import { decodeEvent, type SupervisorLink } from './lxc-supervise.ts'

/**
 * The streams of a container's own command, through its supervisor. Both outputs come on one connection, so what is not read of one
 * holds the other up, as with Docker's.
 */
export async function attachTo(link: SupervisorLink, feedsStdin: boolean): Promise<ContainerProcess> {
  const attached = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<number>()
  ended.promise.catch(() => {})
  const outputs = createOutputs(link)
  link.listen((frame) => {
    if (frame === null) {
      const gone = toGone('the supervisor of the container is gone, and with it the streams of its command')
      attached.reject(gone)
      ended.reject(gone)
      return outputs.end()
    }
    const event = decodeEvent(frame)
    if (event?.event === 'attached') attached.resolve()
    if (event?.event === 'ended') ended.resolve(event.exitCode)
    if (event === null) outputs.push(frame)
  })
  link.ask({ do: 'attach', stdin: feedsStdin })
  await attached.promise
  return {
    stdin: createInput(link, feedsStdin),
    stdout: outputs.stdout,
    stderr: outputs.stderr,
    ended: ended.promise,
    resize: async ({ columns, rows }) => link.ask({ do: 'resize', columns, rows }),
  }
}

interface Outputs {
  readonly stdout: Readable
  readonly stderr: Readable
  push(frame: Frame): void
  end(): void
}

function createOutputs(link: SupervisorLink): Outputs {
  const full = new Set<Readable>()
  const create = (): Readable => {
    const stream: Readable = new Readable({
      read: () => {
        full.delete(stream)
        if (full.size === 0) link.hold(false)
      },
    })
    return stream
  }
  const [stdout, stderr] = [create(), create()]
  return {
    stdout,
    stderr,
    push: ({ kind, data }) => {
      const stream = kind === 'stdout' ? stdout : stderr
      if (stream.destroyed || stream.push(data)) return
      full.add(stream)
      link.hold(true)
    },
    end: () => {
      for (const stream of [stdout, stderr]) if (!stream.destroyed) stream.push(null)
    },
  }
}

function createInput(link: SupervisorLink, feedsStdin: boolean): Writable {
  return new Writable({
    write: (chunk: Uint8Array, _, taken) => (feedsStdin ? link.send('stdin', chunk, taken) : taken()),
    final: (done) => (feedsStdin ? link.send('stdin-end', new Uint8Array(), done) : done()),
  })
}

import type { HostFacts } from 'rootless-runtime'
import { become } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { renderHost } from '../render/host.ts'
import { toStyle } from '../render/style.ts'

export interface HostOptions {
  readonly format: 'text' | 'json'
  readonly user?: string
}

/** `rootless host`: what this host offers to containers without root, each fact with its source. */
export async function host(options: HostOptions, io: Io): Promise<number> {
  const { createLocalSystem, probeHost } = await import('@rootless-runtime/host')
  if (options.user !== undefined) await become(options.user, io)
  const facts = await probeHost(createLocalSystem({ signal: io.signal }))
  io.out.write(options.format === 'json' ? `${JSON.stringify(facts, undefined, 2)}\n` : `${renderText(facts, io)}\n`)
  return EXIT.fine
}

function renderText(facts: HostFacts, io: Io): string {
  return renderHost(facts, {
    style: toStyle(io.out, io.environment),
    self: io.self,
    isRoot: io.userId === 0,
    userName: io.userName,
  })
}

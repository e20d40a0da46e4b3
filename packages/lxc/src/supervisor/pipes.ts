import { spawn } from 'node:child_process'
import { closeSync, constants, openSync, unlinkSync } from 'node:fs'
import { once } from 'node:events'
import { Socket } from 'node:net'

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

/**
 * Pipes with names. Node's own are sockets, which nobody can open again: `echo >/dev/stderr` inside would fail. Every id may open
 * them, as the container's ids are others than ours; nobody else reaches the folder that they are in.
 */
export async function makePipes(paths: readonly string[]): Promise<void> {
  for (const path of paths) unlinkIfThere(path)
  const child = spawn('mkfifo', ['-m', '0666', '--', ...paths], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [exitCode] = await once(child, 'exit')
  if (exitCode !== 0) throw new Error(`mkfifo ended with ${String(exitCode)}`)
}

/** Both ends of a pipe: one for Node, the other, which blocks as programs expect it, for a program. */
export interface PipeEnds {
  readonly ours: Socket
  readonly theirs: number
}

export function openOutput(path: string): PipeEnds {
  // A reader that does not wait for a writer; then the writer finds its reader.
  const ours = openSync(path, O_RDONLY | O_NONBLOCK)
  const theirs = openSync(path, O_WRONLY)
  unlinkSync(path)
  return { ours: new Socket({ fd: ours, readable: true, writable: false }), theirs }
}

export function openInput(path: string): PipeEnds {
  const both = openSync(path, O_RDWR | O_NONBLOCK)
  const theirs = openSync(path, O_RDONLY)
  const ours = openSync(path, O_WRONLY | O_NONBLOCK)
  closeSync(both)
  unlinkSync(path)
  return { ours: new Socket({ fd: ours, readable: false, writable: true }), theirs }
}

/**
 * A pipe that stays open whoever opens and closes its other end. A readable socket of Node reads as soon as it is made: one to write to
 * must not be, or it takes its own words out of the pipe.
 */
export function openBoth(path: string, use: 'read' | 'write'): Socket {
  const fd = openSync(path, O_RDWR | O_NONBLOCK)
  return new Socket({ fd, readable: use === 'read', writable: use === 'write' })
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was not there.
  }
}

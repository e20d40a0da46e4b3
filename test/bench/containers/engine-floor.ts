import { spawn, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { EngineName } from 'rootless-runtime'

/** What each engine's own tools do, as the floor to measure against. */
export interface EngineFloor {
  /** The paths of a raw question over a kept connection; `null` where an engine has no socket. */
  readonly socket: { readonly list: string; readonly inspect: (id: string) => string } | null
  /** What its own tools run. */
  readonly image: string
  /** Makes what its own tools need. The runtime was used before. */
  readonly prepare: () => Promise<FloorGround>
  readonly exec: (container: string, command: readonly string[]) => readonly string[]
  /** Runs to the end and removes. Several commands where the engine has no single one. */
  readonly run: (image: string, name: string, command: readonly string[]) => readonly (readonly string[])[]
}

/** What was made for the floor, until it is ended. */
export interface FloorGround {
  readonly socketPath: string
  readonly end: () => void
}

const LXC_BASE = 'rootless-bench-base'
const RUNTIME_FOLDER = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`

export const ENGINE_FLOORS: Readonly<Record<EngineName, EngineFloor>> = {
  docker: {
    socket: {
      list: '/v1.41/containers/json?all=1',
      inspect: (id) => `/v1.41/containers/${id}/json`,
    },
    image: 'rootless-bench:latest',
    prepare: async () => ({ socketPath: `${RUNTIME_FOLDER}/docker.sock`, end: () => {} }),
    exec: (container, command) => ['docker', 'exec', container, ...command],
    run: (image, name, command) => [['docker', 'run', '--rm', '--name', name, image, ...command]],
  },
  podman: {
    socket: {
      list: '/v4.0.0/libpod/containers/json?all=true',
      inspect: (id) => `/v4.0.0/libpod/containers/${id}/json`,
    },
    image: 'docker.io/library/rootless-bench:latest',
    prepare: findPodman,
    exec: (container, command) => ['podman', 'exec', container, ...command],
    run: (image, name, command) => [['podman', 'run', '--rm', '--name', name, image, ...command]],
  },
  lxc: {
    socket: null,
    image: LXC_BASE,
    prepare: makeLxcBase,
    exec: (container, command) => [
      'lxc-attach',
      '-P',
      `${dataFolder()}/rootless-runtime/lxc/containers`,
      '-n',
      container,
      '--',
      ...command,
    ],
    // LXC has no images and no command that runs one to its end: a clone of a container that is there, executed and destroyed.
    run: (base, name, command) => [
      ['lxc-copy', '-n', base, '-N', name, '-s', '-B', 'overlay'],
      ['lxc-execute', '-n', name, '--', ...command],
      ['lxc-destroy', '-n', name],
    ],
  },
}

/** The service that this process asks. With one of their own for each, each would find the other's caches cold. */
async function findPodman(): Promise<FloorGround> {
  const folder = `${RUNTIME_FOLDER}/rootless-runtime`
  const own = readdirSync(folder).find((name) => name.startsWith(`podman-${process.pid}-`) && name.endsWith('.sock'))
  return { socketPath: own === undefined ? `${RUNTIME_FOLDER}/podman/podman.sock` : `${folder}/${own}`, end: () => {} }
}

/** A container of the busybox template, which LXC's own tools clone. */
async function makeLxcBase(): Promise<FloorGround> {
  await timeProgram(['lxc-create', '-n', LXC_BASE, '-t', 'busybox'])
  return { socketPath: '', end: () => void spawnSync('lxc-destroy', ['-n', LXC_BASE]) }
}

function dataFolder(): string {
  return process.env['XDG_DATA_HOME'] ?? `${process.env['HOME'] ?? ''}/.local/share`
}

/** Runs a program to its end, its output read as a caller of ours reads it; gives the milliseconds. */
export async function timeProgram(words: readonly string[]): Promise<number> {
  const [file = '', ...rest] = words
  const beganMs = performance.now()
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DOCKER_HOST: `unix://${RUNTIME_FOLDER}/docker.sock` },
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  const [code] = await Promise.all([ended, countBytes(child.stdout)])
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${errors.slice(-500)}`)
  return performance.now() - beganMs
}

/** Reads a stream to its end. */
export async function countBytes(stream: AsyncIterable<unknown>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk instanceof Uint8Array ? chunk.length : 0
  return bytes
}

/** Runs several programs one after the other. */
export async function timePrograms(commands: readonly (readonly string[])[]): Promise<number> {
  let sum = 0
  for (const words of commands) sum += await timeProgram(words)
  return sum
}

/** A raw HTTP question over one kept connection: the least that an answer over a socket can take. */
export interface RawSocket {
  ask(path: string): Promise<string>
  end(): void
}

export async function openRawSocket(path: string): Promise<RawSocket> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return { ask: (target) => askRaw(socket, target), end: () => socket.destroy() }
}

function askRaw(socket: Socket, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const body = toWholeBody(text)
      if (body === null) return
      socket.off('data', onData).off('error', reject)
      resolve(body)
    }
    socket.on('data', onData).once('error', reject)
    socket.write(`GET ${target} HTTP/1.1\r\nHost: d\r\n\r\n`)
  })
}

function toWholeBody(text: string): string | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const head = text.slice(0, end).toLowerCase()
  const body = text.slice(end + 4)
  const length = /content-length: (\d+)/u.exec(head)?.[1]
  if (length !== undefined) return body.length >= Number(length) ? body : null
  return body.endsWith('0\r\n\r\n') ? body : null
}

/** What a client of no features would do with it: the chunks joined, when it came in chunks, and its JSON parsed. */
export function parseRawAnswer(body: string): unknown {
  if (body.startsWith('{') || body.startsWith('[')) return JSON.parse(body)
  let text = ''
  for (let position = 0; ;) {
    const end = body.indexOf('\r\n', position)
    const length = Number.parseInt(body.slice(position, end), 16)
    if (!(length > 0)) return JSON.parse(text)
    text += body.slice(end + 2, end + 2 + length)
    position = end + 2 + length + 2
  }
}

import { posix } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  printable,
  RootlessError,
  type Call,
  type Machine,
  type PublishedPort,
  type SpawnedProcess,
} from '@rootless-runtime/core'
import * as z from 'zod'
import { throwIfAborted } from './lxc-mapped.ts'
import { SLIRP_PID_FILE } from './lxc-messages.ts'
import { toMountPaths } from './lxc-mounts.ts'
import { toPortError } from './lxc-publish.ts'

/** slirp4netns(1): addresses inside unless told. */
export const SLIRP_ADDRESS = '10.0.2.100'
export const SLIRP_NAME_SERVER = '10.0.2.3'

/** At most 65521; as rootless Podman sets it. */
const MTU_BYTES = 65_520
const READY_TIMEOUT_MS = 5000
const ANSWER_TIMEOUT_MS = 2000

// Its number first: whoever starts it may die in the next moment. In its sandbox the program is root of the container, another user than we: the socket has to be open to all. Nobody else knows the
// name of the container's folder, and who does not cannot list it.
const OPEN_SOCKET = 'echo "$$" >"$1" && shift && umask 0 && exec "$@"'

/**
 * Gives a network namespace a way out, and its published ports. The host's loopback stays out of reach. Its pid is the answer; it
 * runs until it is ended.
 *
 * @throws RootlessError `HOST_REFUSED`, `PORT_IN_USE`; it has ended then
 */
export async function startSlirp(
  machine: Machine,
  {
    pid,
    containerFolder,
    ports,
  }: { readonly pid: number; readonly containerFolder: string; readonly ports: readonly PublishedPort[] },
  { signal }: Call,
): Promise<number> {
  const socket = posix.join(toMountPaths(containerFolder).runFolder, crypto.randomUUID().slice(0, 8))
  const log = posix.join(containerFolder, 'slirp4netns.log')
  const pidFile = posix.join(containerFolder, SLIRP_PID_FILE)
  await machine.files.remove(log)
  const started = await machine.spawn({
    file: 'sh',
    arguments: ['-c', OPEN_SOCKET, 'sh', pidFile, 'slirp4netns', ...toArguments(socket), String(pid), 'tap0'],
    workingDirectory: '/',
    lifetime: 'detached',
    outputFile: log,
  })
  if (started.status !== 'ok') throw new RootlessError('HOST_REFUSED', `slirp4netns: ${started.reason}`, { engine: 'lxc' })
  const program = { socket, log, program: started.value }
  try {
    // Its first answer is the proof that the device is there: slirp4netns opens its socket after that (main.c).
    const forwards = await ask(machine, program, { execute: 'list_hostfwd' }, signal)
    parseAnswer(forwards)
    for (const port of ports) await publish(machine, program, port, signal)
    return started.value.pid
  } catch (error) {
    started.value.kill('SIGKILL')
    throw error
  }
}

function toArguments(socket: string): readonly string[] {
  const guarded = ['--disable-host-loopback', '--enable-sandbox', '--enable-seccomp']
  return ['--configure', `--mtu=${MTU_BYTES}`, ...guarded, '--api-socket', socket]
}

interface Starting {
  readonly socket: string
  readonly log: string
  readonly program: SpawnedProcess
}

/** One question each connection. A socket that is not there yet, or whose queue is full (it has room for one), is asked again. */
async function ask(
  machine: Machine,
  { socket, log, program }: Starting,
  question: object,
  signal: AbortSignal | undefined,
): Promise<string> {
  let hasEnded = false
  void program.ended.then(() => (hasEnded = true))
  const until = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    throwIfAborted(signal)
    const answer = await machine.connect(socket, { timeoutMs: ANSWER_TIMEOUT_MS })
    if (answer.status === 'ok') return readAnswer(answer.value, question)
    if (hasEnded || Date.now() > until) {
      const said = await machine.readText(log)
      const words = printable(said.status === 'ok' && said.value !== '' ? said.value : answer.reason)
      throw new RootlessError('HOST_REFUSED', `slirp4netns gives the container no network: ${words}`, {
        engine: 'lxc',
        evidence: words,
      })
    }
    await sleep(5)
  }
}

async function readAnswer(stream: Duplex, question: object): Promise<string> {
  const timer = setTimeout(() => stream.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`)), ANSWER_TIMEOUT_MS)
  try {
    stream.end(JSON.stringify(question))
    return await text(stream)
  } catch (cause) {
    throw new RootlessError('HOST_REFUSED', 'slirp4netns did not answer', { engine: 'lxc', cause })
  } finally {
    clearTimeout(timer)
  }
}

const answer = z.union([
  z.object({ return: z.unknown() }).transform(() => null),
  z.object({ entries: z.array(z.unknown()) }).transform(() => null),
  z.object({ error: z.object({ desc: z.string() }) }).transform(({ error }) => error.desc),
])

async function publish(machine: Machine, program: Starting, port: PublishedPort, signal: AbortSignal | undefined): Promise<void> {
  const { protocol, address, host, container } = port
  const wanted = { proto: protocol, host_addr: address, host_port: host, guest_port: container }
  const refusal = parseAnswer(await ask(machine, program, { execute: 'add_hostfwd', arguments: wanted }, signal))
  if (refusal !== null) throw await toPortError(machine, port, `slirp4netns: ${refusal}`)
}

/** `null` when it is done, else what slirp4netns said. @throws RootlessError `ENGINE_OUTPUT_UNREADABLE` */
export function parseAnswer(said: string): string | null {
  try {
    return answer.parse(JSON.parse(said))
  } catch (cause) {
    throw new RootlessError('ENGINE_OUTPUT_UNREADABLE', `slirp4netns answered ${printable(said) || 'nothing'}`, {
      engine: 'lxc',
      cause,
    })
  }
}

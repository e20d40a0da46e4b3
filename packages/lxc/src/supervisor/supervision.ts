import { rmSync } from 'node:fs'
import type { Frame } from '../lxc-frames.ts'
import { CONTAINER_FILES, type StartRequest, type SupervisorRequest } from '../lxc-messages.ts'
import type { NetworkServing, PortRelay } from '../lxc-parts.ts'
import { COLUMNS, ROWS } from '../lxc-terminal-size.ts'
import type { Client, ClientHandlers } from './clients.ts'
import { openContainerLog, type ContainerLog } from './container-log.ts'
import { startRun, type ContainerRun, type RunEnd } from './container-run.ts'
import { startDatagramRelay } from './datagram-relay.ts'
import { noteCgroup, noteEnd, noteStart } from './notes.ts'
import { endProcess, endServers, toKnownProcess, type KnownProcess } from './proc.ts'
import { startStreamRelay } from './stream-relay.ts'
import { resizeTerminal, type TerminalSize } from './terminal.ts'

/** A supervisor that is not told to start, and to whom nobody is connected, ends. */
const IDLE_MS = 5000

/** What serves the clients until the container has ended. */
export interface Supervision extends ClientHandlers {
  readonly finished: Promise<void>
}

interface State {
  readonly clients: Set<Client>
  readonly finish: () => void
  /** Settles when the command's stdin is there. */
  readonly running: PromiseWithResolvers<void>
  run: ContainerRun | null
  isStarting: boolean
  startedAt: number
  /** Who asked for the start, until the command runs: when it goes away, so does what it wanted. */
  starter: Client | null
  isAbandoned: boolean
  helpers: readonly KnownProcess[]
  relays: readonly Disposable[]
  size: TerminalSize | null
  idle: NodeJS.Timeout | null
}

export function createSupervision(): Supervision {
  const finished = Promise.withResolvers<void>()
  const state: State = {
    clients: new Set(),
    finish: finished.resolve,
    running: Promise.withResolvers(),
    run: null,
    isStarting: false,
    startedAt: 0,
    starter: null,
    isAbandoned: false,
    helpers: [],
    relays: [],
    size: null,
    idle: null,
  }
  endWhenIdle(state)
  return {
    onCome: (client) => {
      state.clients.add(client)
      if (state.idle !== null) clearTimeout(state.idle)
    },
    onFrame: (client, frame) => onFrame(state, client, frame),
    onGone: (client) => {
      state.clients.delete(client)
      // Docker's StdinOnce: the stdin of a command ends with whoever fed it.
      if (client === state.starter) abandon(state)
      if (client.feedsStdin) void state.running.promise.then(() => state.run?.stdin?.end())
      endWhenIdle(state)
    },
    finished: finished.promise,
  }
}

/** Ends a container that does not run yet, or whose remover saw it not running. */
function abandon(state: State): void {
  state.isAbandoned = true
  state.run?.kill()
}

function endWhenIdle(state: State): void {
  if (state.isStarting || state.clients.size > 0) return
  state.idle = setTimeout(() => {
    if (!state.isStarting && state.clients.size === 0) state.finish()
  }, IDLE_MS)
}

function onFrame(state: State, client: Client, { kind, data }: Frame): void {
  if (kind === 'message') onRequest(state, client, JSON.parse(Buffer.from(data).toString()) as SupervisorRequest)
  if (kind === 'stdin') client.pauseWhile(feed(state, Buffer.from(data)))
  if (kind !== 'stdin-end') return
  client.feedsStdin = false
  client.pauseWhile(state.running.promise.then(() => void state.run?.stdin?.end()))
}

/** What comes before the start waits for it. */
async function feed(state: State, data: Buffer): Promise<void> {
  await state.running.promise
  const stdin = state.run?.stdin
  if (stdin?.writable !== true || stdin.write(data)) return
  await new Promise<void>((resolve) => stdin.once('drain', resolve).once('close', resolve))
}

function onRequest(state: State, client: Client, request: SupervisorRequest): void {
  switch (request.do) {
    case 'attach':
      client.isAttached = true
      client.feedsStdin = request.stdin
      return client.tell({ event: 'attached' })
    case 'wait':
      client.waits = true
      return
    case 'start':
      if (state.isStarting) return client.tell({ event: 'running' })
      state.isStarting = true
      state.starter = client
      return void start(state, client, request)
    case 'release':
      return void release(state, client, request)
    case 'resize':
      return resize(state, request)
    case 'quit':
      return state.isStarting ? abandon(state) : state.finish()
  }
}

async function release(
  state: State,
  client: Client,
  { go, pids, relays }: NetworkServing & { readonly go: boolean },
): Promise<void> {
  state.helpers = pids.flatMap(toKnownProcess)
  try {
    for (const relay of relays) state.relays = [...state.relays, await startRelay(relay)]
    state.run?.release(go)
  } catch (error) {
    client.tell({ event: 'refused', reason: String(error) })
    state.run?.release(false)
  }
}

function startRelay(relay: PortRelay): Promise<Disposable> {
  return relay.protocol === 'udp' ? startDatagramRelay(relay) : startStreamRelay(relay)
}

async function start(state: State, client: Client, request: StartRequest): Promise<void> {
  try {
    await runContainer(state, client, request)
  } catch (error) {
    client.tell({ event: 'failed', log: String(error) })
  }
  rmSync(CONTAINER_FILES.supervisor, { force: true })
  await Promise.all([...state.clients].map((one) => one.finish()))
  state.finish()
}

async function runContainer(state: State, client: Client, request: StartRequest): Promise<void> {
  const log = await openContainerLog(CONTAINER_FILES.log)
  rmSync(CONTAINER_FILES.memoryEvents, { force: true })
  const run = await startRun(withSize(request, state.size), (stream, data) => tellOutput(state, log, stream, data))
  state.run = run
  if (state.isAbandoned) run.kill()
  // LXC throws away what was typed at its terminal before it took it over.
  if (!request.terminal) state.running.resolve()
  void run.namespaces.then((pid) => client.tell({ event: 'namespaces', pid }))
  const pid = await run.started
  state.starter = null
  state.running.resolve()
  if (pid !== null) {
    if (request.countsMemory) noteCgroup(pid)
    state.startedAt = noteStart(pid)
    client.tell({ event: 'started', pid })
  }
  const end = await run.ended
  await log.close()
  state.helpers.forEach(endProcess)
  endServers()
  for (const relay of state.relays) relay[Symbol.dispose]()
  if (pid === null) client.tell({ event: 'failed', log: end.log })
  else tellEnd(state, end)
}

/** A terminal that is about to be made has the size from its beginning; another is told when LXC has taken it over. */
function resize(state: State, size: TerminalSize): void {
  state.size = size
  void state.run?.started.then(() => state.run !== null && resizeTerminal(state.run.processId, size))
}

function withSize(request: StartRequest, size: TerminalSize | null): StartRequest {
  if (size === null) return request
  return { ...request, environment: { ...request.environment, [COLUMNS]: String(size.columns), [ROWS]: String(size.rows) } }
}

async function tellOutput(state: State, log: ContainerLog, stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> {
  const attached = [...state.clients].filter(({ isAttached }) => isAttached)
  await Promise.all([log.append(stream, data), ...attached.map((client) => client.send(stream, data))])
}

function tellEnd(state: State, { exitCode }: RunEnd): void {
  noteEnd(state.startedAt, exitCode)
  for (const client of state.clients) if (client.waits || client.isAttached) client.tell({ event: 'ended', exitCode })
}

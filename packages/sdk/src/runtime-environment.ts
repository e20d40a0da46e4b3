import { toEngineUnavailable, type Availability, type EngineName, type Fix, type Place } from '@rootless-runtime/core'
import {
  createRuntime,
  DEFAULT_TIMEOUT_MS,
  detectWithin,
  resolveGround,
  throwIfAborted,
  type RuntimeOptions,
} from './runtimes.ts'

/** A variable that makes another tool use this engine, and why it has this value. */
export interface EnvironmentVariable {
  readonly name: string
  readonly value: string
  readonly reason: string
}

/** A variable that has no value for this engine, and why. */
export interface AbsentVariable {
  readonly name: string
  readonly reason: string
  /** Whether one that is set must be removed, as it would lead to another engine. */
  readonly remove: boolean
}

/** What other tools must be told to use an engine: Docker's clients, testcontainers, Podman's own client. */
export interface RuntimeEnvironment {
  readonly engine: EngineName
  /** Where a client connects to: a path of this machine. `null` when the engine has no socket, or nobody listens. */
  readonly clientSocket: string | null
  /** The same socket as a path that a container of this engine can mount. */
  readonly engineSocket: string | null
  /** Contexts of `docker context` that lead to the same engine. */
  readonly contexts: readonly string[]
  readonly variables: readonly EnvironmentVariable[]
  readonly absent: readonly AbsentVariable[]
  /** What makes an absent variable have a value. */
  readonly fix?: Fix
}

type Available = Extract<Availability, { status: 'available' }>
type Answer = Omit<RuntimeEnvironment, 'engine'>

/** Docker's clients and testcontainers read these; each engine answers for every one. */
const NAMES = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'CONTAINER_HOST',
  'TESTCONTAINERS_HOST_OVERRIDE',
  'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE',
  'TESTCONTAINERS_RYUK_DISABLED',
] as const

const ANSWERS: Readonly<Record<EngineName, (availability: Available, surroundings: Surroundings) => Answer>> = {
  docker: toDockerEnvironment,
  podman: toPodmanEnvironment,
  lxc: toLxcEnvironment,
}

interface Surroundings {
  readonly runtimeDirectory: string
  readonly containerHost: string | undefined
}

/**
 * What other tools must be told to use this engine, each with its reason. Asks the engine where it is, and changes nothing.
 *
 * @throws RootlessError `ENGINE_UNAVAILABLE` when the engine is not there, `ABORTED` when the signal fires.
 */
export async function runtimeEnvironment(engine: EngineName, options: RuntimeOptions = {}): Promise<RuntimeEnvironment> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const ground = await resolveGround(options)
  const runtime = await createRuntime(engine, ground, timeoutMs)
  const availability = await detectWithin(runtime, { timeoutMs, signal: options.signal })
  throwIfAborted(options.signal)
  if (availability.status !== 'available') throw toEngineUnavailable(engine, availability)
  const { user, environment } = ground.system
  const runtimeDirectory = environment['XDG_RUNTIME_DIR'] ?? `/run/user/${user.uid}`
  return { engine, ...ANSWERS[engine](availability, { runtimeDirectory, containerHost: environment['CONTAINER_HOST'] }) }
}

/** Every name, once: with its value, or absent with a reason. */
function answerFor(
  socket: string | null,
  contexts: readonly string[],
  answers: Readonly<Record<(typeof NAMES)[number], Variable>>,
): Answer {
  const entries = NAMES.map((name) => ({
    name,
    value: answers[name].value,
    reason: answers[name].reason,
    remove: answers[name].remove === true,
  }))
  return {
    clientSocket: socket,
    engineSocket: socket,
    contexts,
    variables: entries.flatMap(({ name, value, reason }) => (value === null ? [] : [{ name, value, reason }])),
    absent: entries.flatMap(({ name, value, reason, remove }) => (value === null ? [{ name, reason, remove }] : [])),
  }
}

interface Variable {
  readonly value: string | null
  readonly reason: string
  readonly remove?: boolean
}

const set = (value: string, reason: string): Variable => ({ value, reason })
const unset = (reason: string): Variable => ({ value: null, reason })

// localhost may be ::1 first, where neither RootlessKit's builtin port driver nor rootlessport of Podman 4 with slirp4netns must answer.
const HOST_OVERRIDE = set('127.0.0.1', 'published ports of this engine are ports of this machine, and surely so in IPv4')

const NO_CONTEXT = { ...unset('DOCKER_HOST says where, and a context may lead elsewhere'), remove: true }

function toDockerEnvironment({ endpoint, places }: Available): Answer {
  const socket = endpoint.replace(/^unix:\/\//u, '')
  return answerFor(socket, listContexts(places), {
    DOCKER_HOST: set(endpoint, 'the socket at which rootless Docker answers'),
    DOCKER_CONTEXT: NO_CONTEXT,
    CONTAINER_HOST: unset('it is for Podman'),
    TESTCONTAINERS_HOST_OVERRIDE: HOST_OVERRIDE,
    TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: set(
      socket,
      'the daemon mounts what it sees: in its mount namespace the socket has this path, and /var/run/docker.sock is not there',
    ),
    TESTCONTAINERS_RYUK_DISABLED: unset('a container of this engine can mount its socket, as ryuk does'),
  })
}

/** `current context rootless` and `context rootless` of the places where Docker was looked for. */
function listContexts(places: readonly Place[]): readonly string[] {
  return places.flatMap(({ place, verdict }) => {
    const name = /^(?:current )?context ([^:]+)/u.exec(place)?.[1]
    return name !== undefined && verdict === 'used' ? [name] : []
  })
}

function toPodmanEnvironment({ places }: Available, { runtimeDirectory, containerHost }: Surroundings): Answer {
  const own = `${runtimeDirectory}/podman/podman.sock`
  const named = /^unix:(?:\/\/)?(\/.*)$/u.exec(containerHost ?? '')?.[1]
  const found = places.find(
    ({ place, verdict }) => verdict === 'usable' && (place === own || place.startsWith('CONTAINER_HOST: ')),
  )
  if (found === undefined)
    return toPodmanWithoutService(
      own,
      places.find(({ place }) => place === own),
    )
  const socket = found.place === own || named === undefined ? own : named
  const endpoint = `unix://${socket}`
  return answerFor(socket, [], {
    DOCKER_HOST: set(endpoint, `${found.answer} answers there, to clients of Docker too`),
    DOCKER_CONTEXT: NO_CONTEXT,
    CONTAINER_HOST: set(endpoint, 'the same for podman --remote'),
    TESTCONTAINERS_HOST_OVERRIDE: HOST_OVERRIDE,
    TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: set(
      socket,
      'Podman mounts paths of this machine: the socket has the same path for both',
    ),
    TESTCONTAINERS_RYUK_DISABLED: unset('a container of this engine can mount its socket, as ryuk does'),
  })
}

function toPodmanWithoutService(socket: string, place: Place | undefined): Answer {
  const nobody = unset(`no Podman listens at ${socket} (${place?.answer ?? 'nobody looked'})`)
  const answer = answerFor(null, [], {
    DOCKER_HOST: nobody,
    DOCKER_CONTEXT: unset('it is for Docker'),
    CONTAINER_HOST: nobody,
    TESTCONTAINERS_HOST_OVERRIDE: nobody,
    TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: nobody,
    TESTCONTAINERS_RYUK_DISABLED: nobody,
  })
  return {
    ...answer,
    fix: {
      summary: 'let Podman listen for other tools',
      // It makes no folder for its socket (4.3.1).
      commands: [
        ['mkdir', '-p', socket.slice(0, socket.lastIndexOf('/'))],
        ['podman', 'system', 'service', '--time=0', `unix://${socket}`],
      ],
      needsRoot: false,
      undo: 'end that process; with a systemd of the user it is: systemctl --user enable --now podman.socket',
    },
  }
}

function toLxcEnvironment(): Answer {
  const none = unset('LXC has no socket that other tools could use')
  return answerFor(null, [], {
    DOCKER_HOST: none,
    DOCKER_CONTEXT: none,
    CONTAINER_HOST: none,
    TESTCONTAINERS_HOST_OVERRIDE: none,
    TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: none,
    TESTCONTAINERS_RYUK_DISABLED: none,
  })
}

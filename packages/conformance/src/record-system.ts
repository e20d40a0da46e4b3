import type { Answer, Command, ConnectOptions, EngineName, HostFacts, System } from '@rootless-runtime/core'
import type { Duplex } from 'node:stream'
import { askOverStream, serveOverPipe } from './http-over-stream.ts'
import { toQuestionKey, type RecordedAnswer, type RecordedExchange, type RecordedMethod, type Recording } from './recording.ts'

export interface RecordingFacts {
  readonly engine: EngineName
  readonly engineVersion: string
  readonly hostFacts: HostFacts
}

export interface SystemRecorder {
  /** The real system with a witness: give it to an adapter. */
  readonly system: System
  /** Everything that was asked through it until now. */
  readonly finish: (facts: RecordingFacts) => Recording
}

/** Notes every question to a system and its answer, on the way through. */
export function recordSystem(system: System): SystemRecorder {
  const calls = new Map<
    string,
    { readonly method: RecordedMethod; readonly question: unknown; readonly answers: RecordedAnswer[] }
  >()
  const exchanges: RecordedExchange[] = []
  const environment: Record<string, string | null> = {}
  const note = <Value extends RecordedAnswer>(method: RecordedMethod, question: unknown, answer: Value): Value => {
    const key = toQuestionKey(method, question)
    const call = calls.get(key) ?? { method, question, answers: [] }
    call.answers.push(answer)
    calls.set(key, call)
    return answer
  }
  const connect = async (path: string, options: ConnectOptions): Promise<Answer<Duplex>> => {
    const answer = await system.connect(path, options)
    note('connect', path, answer.status === 'ok' ? { status: 'ok' } : answer)
    return answer.status === 'ok' ? { status: 'ok', value: witnessHttp(path, answer.value, exchanges) } : answer
  }
  return {
    system: {
      user: system.user,
      environment: watchEnvironment(system.environment, environment),
      readText: async (path, options) => note('readText', path, withoutSecrets(path, await system.readText(path, options))),
      listDirectory: async (path) => note('listDirectory', path, await system.listDirectory(path)),
      status: async (path) => note('status', path, await system.status(path)),
      realPath: async (path) => note('realPath', path, await system.realPath(path)),
      freeBytes: async (path) => note('freeBytes', path, await system.freeBytes(path)),
      findExecutable: async (name) => note('findExecutable', name, await system.findExecutable(name)),
      run: async (command) => note('run', toCommandQuestion(command), await system.run(command)),
      connect,
    },
    finish: ({ engine, engineVersion, hostFacts }) => ({
      recordingVersion: 1,
      engine,
      engineVersion,
      recordedAt: new Date().toISOString(),
      user: system.user,
      environment: { ...environment },
      hostFacts,
      calls: structuredClone([...calls.values()]),
      exchanges: [...exchanges],
    }),
  }
}

/** What a command asks, without how long it may take. */
export function toCommandQuestion({ file, arguments: words, input }: Command): unknown {
  return input === undefined ? [file, ...words] : { command: [file, ...words], input }
}

// The environment of a process may hold secrets of its user; adapters need to know who started it.
function withoutSecrets(path: string, answer: Answer<string>): Answer<string> {
  if (!/^\/proc\/\d+\/environ$/u.test(path) || answer.status !== 'ok') return answer
  const kept = answer.value.split('\0').filter((line) => line.startsWith('ROOTLESSKIT_'))
  return { status: 'ok', value: kept.map((line) => `${line}\0`).join('') }
}

function watchEnvironment(environment: System['environment'], noted: Record<string, string | null>): System['environment'] {
  return new Proxy(environment, {
    get: (target, name) => {
      if (typeof name !== 'string') return undefined
      noted[name] = target[name] ?? null
      return target[name]
    },
  })
}

/** A stream that speaks to a server of ours, which asks the real one and notes what is said. */
function witnessHttp(socketPath: string, real: Duplex, exchanges: RecordedExchange[]): Duplex {
  return serveOverPipe(
    (incoming, response) => {
      askOverStream(real, incoming).then(
        ({ statusCode, headers, body }) => {
          exchanges.push({ socketPath, method: incoming.method ?? '', path: incoming.url ?? '', statusCode, headers, body })
          response.writeHead(statusCode, headers).end(incoming.method === 'HEAD' ? undefined : body)
        },
        () => response.destroy(),
      )
    },
    () => real.destroy(),
  )
}

import type { Answer, CommandAnswer, FileStatus, System } from '@rootless-runtime/core'
import type { Duplex } from 'node:stream'
import { serveOverPipe } from './http-over-stream.ts'
import { toCommandQuestion } from './record-system.ts'
import { toQuestionKey, type RecordedAnswer, type RecordedExchange, type RecordedMethod, type Recording } from './recording.ts'

export interface SystemReplay {
  /** The recorded machine: give it to an adapter. */
  readonly system: System
  /** How often each question was asked, by its key. */
  readonly asked: ReadonlyMap<string, number>
  /** Questions that the recording has no answer to. */
  readonly missing: ReadonlySet<string>
}

/** Answers as the recorded machine did. A question asked again gets the next answer, and the last one for ever. */
export function replaySystem(recording: Recording): SystemReplay {
  const answers = new Map(recording.calls.map((call) => [toQuestionKey(call.method, call.question), call.answers]))
  const asked = new Map<string, number>()
  const missing = new Set<string>()
  const find = <Value>(method: RecordedMethod, question: unknown): Promise<Value> => {
    const key = toQuestionKey(method, question)
    const turn = asked.get(key) ?? 0
    asked.set(key, turn + 1)
    const known = answers.get(key)
    const answer = known?.[Math.min(turn, known.length - 1)]
    if (answer === undefined) missing.add(key)
    return Promise.resolve((answer ?? toMissing(key)) as Value)
  }
  const connect = async (path: string): Promise<Answer<Duplex>> => {
    const answer = await find<Answer<Duplex>>('connect', path)
    if (answer.status !== 'ok') return answer
    return { status: 'ok', value: replayHttp(path, recording.exchanges, asked, missing) }
  }
  const system: System = {
    user: recording.user,
    environment: Object.fromEntries(
      Object.entries(recording.environment).map(([name, value]) => [name, value === null ? undefined : value]),
    ),
    readText: (path) => find<Answer<string>>('readText', path),
    listDirectory: (path) => find<Answer<readonly string[]>>('listDirectory', path),
    status: (path) => find<Answer<FileStatus>>('status', path),
    realPath: (path) => find<Answer<string>>('realPath', path),
    freeBytes: (path) => find<Answer<number>>('freeBytes', path),
    findExecutable: (name) => find<Answer<string>>('findExecutable', name),
    run: (command) => find<CommandAnswer>('run', toCommandQuestion(command)),
    connect,
  }
  return { system, asked, missing }
}

function toMissing(key: string): RecordedAnswer {
  return { status: 'failed', reason: `not in the recording: ${key}`, stdout: '', stderr: '' }
}

function replayHttp(
  socketPath: string,
  exchanges: readonly RecordedExchange[],
  asked: Map<string, number>,
  missing: Set<string>,
): Duplex {
  return serveOverPipe((incoming, response) => {
    const { method = '', url = '' } = incoming
    const key = `${method} ${socketPath} ${url}`
    const turn = asked.get(key) ?? 0
    asked.set(key, turn + 1)
    const known = exchanges.filter((each) => each.socketPath === socketPath && each.method === method && each.path === url)
    const found = known[Math.min(turn, known.length - 1)]
    if (found === undefined) {
      missing.add(key)
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"not in the recording"}')
      return
    }
    response.writeHead(found.statusCode, found.headers).end(method === 'HEAD' ? undefined : found.body)
  })
}

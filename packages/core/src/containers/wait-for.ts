import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { Machine } from '../system.ts'
import type { Container, WaitCondition, WaitOptions } from './container.ts'
import { hasCode, pause, throwIfAborted } from './ending.ts'
import { readListening } from './plan-ports.ts'

const DEFAULT_WAIT_MS = 30_000
const PAUSE_MS = 50
/** How many of the last lines of a log an error tells. */
const LAST_LINES = 5
/** How long a server that says nothing must keep a connection for it to count as served. */
const SILENCE_MS = 100

/** What is waited for, and where. */
export interface WaitGround {
  readonly container: Container
  readonly machine: Machine
  /** Between two healthchecks. */
  readonly healthIntervalMs: number
}

/** Waits for a condition. @throws RootlessError `TIMEOUT`, `NOT_RUNNING`, `ABORTED` */
export async function waitFor(ground: WaitGround, condition: WaitCondition, options: WaitOptions): Promise<void> {
  const { container } = ground
  const { timeoutMs = DEFAULT_WAIT_MS, signal } = options
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), timeoutMs)
  const stop = signal === undefined ? patience.signal : AbortSignal.any([patience.signal, signal])
  const answers = { last: 'nobody was asked yet' }
  try {
    await awaitCondition({ ...ground, stop, answers }, condition)
  } catch (error) {
    throwIfAborted(signal)
    if (!patience.signal.aborted) throw error
    throw new RootlessError(
      'TIMEOUT',
      `${container.name}: ${describe(condition)} not seen within ${timeoutMs / 1000} s; last: ${answers.last}`,
      {
        engine: container.engine,
        cause: error,
      },
    )
  } finally {
    clearTimeout(timer)
  }
}

interface Waiting extends WaitGround {
  readonly stop: AbortSignal
  readonly answers: { last: string }
}

function describe(condition: WaitCondition): string {
  if ('port' in condition) return `an answer at port ${condition.port}`
  if ('log' in condition) return `the log line ${String(condition.log)}`
  return 'healthy' in condition ? 'good health' : 'a yes of the probe'
}

async function awaitCondition(waiting: Waiting, condition: WaitCondition): Promise<void> {
  if ('log' in condition) return await awaitLog(waiting, condition.log)
  if ('port' in condition) waiting.container.port(condition.port)
  const ask = 'port' in condition ? askPort : 'healthy' in condition ? askHealth : askProbe
  const interval = 'healthy' in condition ? waiting.healthIntervalMs : PAUSE_MS
  for (;;) {
    throwIfAborted(waiting.stop)
    const answer = await ask(waiting, condition)
    if (answer === null) return
    waiting.answers.last = answer
    await throwIfEnded(waiting)
    await pause(interval, waiting.stop)
  }
}

async function throwIfEnded({ container, stop, answers }: Waiting): Promise<void> {
  const { status, exitCode } = await container.inspect({ signal: stop })
  if (status === 'running' || status === 'paused') return
  throw new RootlessError(
    'NOT_RUNNING',
    `${container.name} ${status === 'ended' ? `ended with ${exitCode}` : 'was not started'} while it was waited for; last: ${answers.last}`,
    {
      engine: container.engine,
    },
  )
}

async function askProbe({ container }: Waiting, condition: WaitCondition): Promise<string | null> {
  if (!('probe' in condition)) return null
  try {
    return (await condition.probe(container)) ? null : 'the probe said no'
  } catch (error) {
    return `the probe threw ${printable(String(error))}`
  }
}

async function askHealth({ container, stop }: Waiting): Promise<string | null> {
  const answer = await container.health({ signal: stop })
  if (answer.status === 'unknown') throw new RootlessError('INVALID_ARGUMENT', answer.reason, { engine: container.engine })
  return answer.status === 'healthy' ? null : answer.reason
}

// Whoever publishes a port accepts connections before the container does: so it is looked inside first.
async function askPort({ container, machine }: Waiting, condition: WaitCondition): Promise<string | null> {
  if (!('port' in condition)) return null
  const { pid } = await container.inspect()
  if (pid === null) return 'it does not run'
  const inside = await readListening(machine, `/proc/${pid}/net`)
  if (!inside.some(({ protocol, port }) => protocol === 'tcp' && port === condition.port))
    return `nothing listens on ${condition.port} inside`
  const { address, host } = container.port(condition.port)
  const connection = await machine.connectTcp(address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address, host, {
    timeoutMs: 1000,
  })
  if (connection.status !== 'ok') return connection.reason
  const stream = connection.value
  const served = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => served.resolve(true), SILENCE_MS)
  stream
    .once('data', () => served.resolve(true))
    .once('close', () => served.resolve(false))
    .once('end', () => served.resolve(false))
  const kept = await served.promise
  clearTimeout(timer)
  stream.destroy()
  return kept ? null : `the connection to port ${host} was closed at once`
}

async function awaitLog({ container, stop, answers }: Waiting, wanted: string | RegExp): Promise<void> {
  const rests = { stdout: '', stderr: '' }
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  const last: string[] = []
  const matches = (line: string): boolean =>
    typeof wanted === 'string' ? line.includes(wanted) : new RegExp(wanted.source, wanted.flags.replace(/[gy]/gu, '')).test(line)
  try {
    for await (const { stream, data } of container.logs({ follow: true, signal: stop })) {
      const lines = (rests[stream] + decoders[stream].decode(data, { stream: true })).split('\n')
      // A line without an end is kept to a bound: nobody waits for a match in a million of characters.
      rests[stream] = (lines.pop() ?? '').slice(-1_000_000)
      if (lines.some(matches) || (rests[stream] !== '' && matches(rests[stream]))) return
      last.push(...lines.slice(-LAST_LINES).map((line) => printable(line, 200)))
      last.splice(0, last.length - LAST_LINES)
      answers.last = last.at(-1) ?? printable(rests[stream], 200)
    }
  } catch (error) {
    if (!hasCode(error, 'ABORTED')) throw error
    throwIfAborted(stop)
  }
  throwIfAborted(stop)
  const what = describe({ log: wanted })
  throw new RootlessError('NOT_RUNNING', `${container.name} ended before ${what} came; it said last:\n${last.join('\n')}`, {
    engine: container.engine,
    evidence: last.join('\n'),
  })
}

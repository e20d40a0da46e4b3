import type { RecordedAnswer, RecordedCall, RecordedExchange, Recording } from './recording.ts'

/** One way in which an answer may be broken. */
interface Damage {
  readonly name: string
  readonly apply: (text: string) => string
}

const DAMAGES: readonly Damage[] = [
  { name: 'cut in the middle', apply: (text) => text.slice(0, Math.floor(text.length / 2)) },
  { name: 'empty', apply: () => '' },
  { name: 'not JSON', apply: () => 'Cannot connect to the daemon\n' },
  { name: 'an empty object', apply: () => '{}' },
  {
    name: "another engine's",
    apply: () => '{"api_version":"1.0","api_status":"stable","auth":"trusted","environment":{"server":"lxd"}}',
  },
  { name: '5 MB of rubbish', apply: () => 'x'.repeat(5_000_000) },
  { name: 'not UTF-8', apply: (text) => text.replaceAll(/[a-m]/gu, '\uFFFD') },
  {
    name: 'full of control characters',
    apply: (text) => text.replaceAll(/[aeiou]/gu, (letter) => `${letter}\u001b[31m\u0007\u202E`),
  },
]

/** A recording with one answer broken, and which one how. */
export interface DamagedRecording {
  readonly title: string
  readonly recording: Recording
}

/**
 * Every command's output and every body of a recording, broken in every way, one at a time; commands besides fail with their
 * output, hang and vanish, and files cannot be read. Files that can be read are left as they are: half of a configuration file is
 * a configuration file.
 */
export function* damageRecording(recording: Recording): Generator<DamagedRecording> {
  for (const [index, call] of recording.calls.entries()) {
    for (const { name, call: damaged } of damageCall(call)) {
      const calls = recording.calls.with(index, damaged)
      yield { title: `${name}: ${call.method} ${JSON.stringify(call.question)}`, recording: { ...recording, calls } }
    }
  }
  for (const [index, exchange] of recording.exchanges.entries()) {
    for (const { name, exchange: damaged } of damageExchange(exchange)) {
      const exchanges = recording.exchanges.with(index, damaged)
      yield { title: `${name}: ${exchange.method} ${exchange.path}`, recording: { ...recording, exchanges } }
    }
  }
}

function* damageCall(call: RecordedCall): Generator<{ readonly name: string; readonly call: RecordedCall }> {
  const answering = (answer: RecordedAnswer): RecordedCall => ({ ...call, answers: [answer] })
  yield { name: 'failed', call: answering({ status: 'failed', reason: 'no answer within 10 s', stdout: '', stderr: '' }) }
  yield { name: 'absent', call: answering({ status: 'absent', reason: 'does not exist' }) }
  if (call.method !== 'run') return
  for (const answer of call.answers.slice(0, 1)) {
    const stdout = typeof answer['stdout'] === 'string' ? answer['stdout'] : ''
    yield { name: 'exit code 1 with its output', call: answering({ ...answer, exitCode: 1 }) }
    for (const { name, apply } of DAMAGES) yield { name, call: answering({ ...answer, stdout: apply(stdout) }) }
  }
}

function* damageExchange(exchange: RecordedExchange): Generator<{ readonly name: string; readonly exchange: RecordedExchange }> {
  yield { name: 'status 500', exchange: { ...exchange, statusCode: 500 } }
  yield { name: 'without headers', exchange: { ...exchange, headers: {} } }
  yield {
    name: "Podman's headers",
    exchange: { ...exchange, headers: { 'libpod-api-version': '5.4.2', server: 'Libpod/5.4.2 (linux)' } },
  }
  for (const { name, apply } of DAMAGES) yield { name, exchange: { ...exchange, body: apply(exchange.body) } }
}

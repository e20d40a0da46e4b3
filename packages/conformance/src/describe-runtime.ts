import {
  RootlessError,
  type AdapterOptions,
  type Availability,
  type Capabilities,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import { reportSchema } from '@rootless-runtime/core/schema'
import { describe, expect, test } from 'vitest'
import { checkCapabilities, listFindings } from './check-capabilities.ts'
import { damageRecording } from './damage.ts'
import { toExpectedCells, type ExpectedCells } from './expected-cells.ts'
import { parseRecording, type Recording } from './recording.ts'
import { replaySystem } from './replay-system.ts'

const TIMEOUT_MS = 2000
const PATIENCE_MS = 10_000

export interface RuntimeUnderTest {
  readonly title: string
  readonly create: (system: System, options: AdapterOptions) => RootlessRuntime
  readonly recordings: readonly RecordedExpectation[]
}

export interface RecordedExpectation {
  readonly name: string
  /** The text of the recording's file. */
  readonly text: string
  readonly expected: ExpectedCells
}

/** What every adapter must keep, as tests: call it in a test file of vitest. */
export function describeRuntime({ title, create, recordings }: RuntimeUnderTest): void {
  describe(title, () => {
    test('has a recording of a real engine', () => {
      expect(recordings.length).toBeGreaterThan(0)
    })
    for (const { name, text, expected } of recordings) {
      describe(name, () => {
        describeRecording(create, parseRecording(text), expected)
      })
    }
  })
}

type Create = RuntimeUnderTest['create']

function describeRecording(create: Create, recording: Recording, expected: ExpectedCells): void {
  test('is the engine that was recorded', async () => {
    const { runtime } = open(create, recording)
    expect(runtime.engine).toBe(recording.engine)
    expect(await runtime.detect()).toMatchObject({ status: 'available', version: recording.engineVersion })
  })

  test('lists the places that were looked at, one of them used', async () => {
    const { places } = await open(create, recording).runtime.detect()
    expect(places.filter(({ verdict }) => verdict === 'used')).toHaveLength(1)
    expect(places.filter(({ place, answer }) => place === '' || answer === '')).toEqual([])
  })

  test('has the expected cells', async () => {
    const { runtime, replay } = open(create, recording)
    expect(toExpectedCells(await runtime.capabilities(recording.hostFacts))).toEqual(expected)
    expect([...replay.missing]).toEqual([])
  })

  test('keeps the rules of all engines', async () => {
    const capabilities = await open(create, recording).runtime.capabilities(recording.hostFacts)
    expect(checkCapabilities(capabilities)).toEqual([])
  })

  test('asks nothing when it is created, and once however often it is asked', async () => {
    const { runtime, replay } = open(create, recording)
    expect([...replay.asked]).toEqual([])
    await Promise.all([runtime.detect(), runtime.detect(), runtime.capabilities(recording.hostFacts)])
    const once = new Map(replay.asked)
    await runtime.capabilities(recording.hostFacts)
    expect(new Map(replay.asked)).toEqual(once)
    const commands = [...once].filter(([key]) => key.startsWith('run '))
    expect(commands.filter(([, count]) => count > 1)).toEqual([])
  })

  test('says no more than before when any one answer is broken', { timeout: 120_000 }, async () => {
    const whole = await open(create, recording).runtime.capabilities(recording.hostFacts)
    const before = new Map(listFindings(whole).map(([path, finding]) => [path, finding]))
    const broken: string[] = []
    for (const { title, recording: damaged } of damageRecording(recording)) {
      for (const complaint of await judgeDamaged(create, damaged, before)) broken.push(`${title}: ${complaint}`)
    }
    expect(broken).toEqual([])
  })
}

function open(create: Create, recording: Recording) {
  const replay = replaySystem(recording)
  return { runtime: create(replay.system, { timeoutMs: TIMEOUT_MS }), replay }
}

type Findings = ReadonlyMap<string, ReturnType<typeof listFindings>[number][1]>

/** What is wrong with how an adapter takes a damaged recording. */
async function judgeDamaged(create: Create, recording: Recording, before: Findings): Promise<readonly string[]> {
  const { runtime } = open(create, recording)
  try {
    const availability = await inTime(runtime.detect())
    const capabilities = availability.status === 'available' ? await inTime(runtime.capabilities(recording.hostFacts)) : null
    return [
      ...judgeReport(recording, availability, capabilities),
      ...(capabilities === null ? [] : [...checkCapabilities(capabilities), ...listInventions(capabilities, before)]),
    ]
  } catch (error) {
    return error instanceof RootlessError ? [] : [`threw ${String(error)}`]
  }
}

async function inTime<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function judgeReport(recording: Recording, availability: Availability, capabilities: Capabilities | null): readonly string[] {
  const { engine, hostFacts: host, recordedAt: createdAt } = recording
  const report = { reportVersion: 1, toolVersion: '0', createdAt, host, engines: [{ engine, availability, capabilities }] }
  const text = JSON.stringify({ availability, capabilities })
  return [
    ...(reportSchema.safeParse(report).success ? [] : ['is not valid in a report']),
    // JSON writes C0 controls as \u00XX; the others stand as they are. A backslash of ours is written twice.
    ...(/(?<!\\)(?:\\\\)*\\(?:u00[01]|[bfnrt])|[\u007f-\u009f\u202a-\u202e]/u.test(text)
      ? ['lets control characters through']
      : []),
  ]
}

/**
 * What a damaged answer made supported that was not, or with another value. One thing is allowed: a driver that was in use and
 * cannot be told to be any more is still available.
 */
function listInventions(capabilities: Capabilities, before: Findings): readonly string[] {
  return listFindings(capabilities).flatMap(([path, finding]) => {
    const was = before.get(path)
    if (finding.status !== 'supported') return []
    if (was?.status === 'supported' && JSON.stringify(was.value) === JSON.stringify(finding.value)) return []
    if (was?.status === 'supported' && was.value === 'in use' && finding.value === 'available') return []
    return [`${path} became supported ${JSON.stringify(finding.value)}`]
  })
}

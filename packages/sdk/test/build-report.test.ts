import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  buildReport,
  discoverRuntimes,
  ENGINE_NAMES,
  openRuntime,
  REPORT_VERSION,
  selectRuntime,
  toMatrix,
  VERSION,
  type EngineName,
  type Report,
  type ReportProgress,
  type System,
} from '../src/index.ts'
import { parseReport } from '../src/schema.ts'
import { createAbsentSystem, createFailingSystem, createLxcSystem, HANGING } from './fake-system.ts'

function entryOf(report: Report, name: EngineName) {
  const entry = report.engines.find(({ engine }) => engine === name)
  if (entry === undefined) throw new Error(`the report has no ${name}`)
  return entry
}

describe.each([
  ['nothing is there', createAbsentSystem()],
  ['nothing can be read', createFailingSystem()],
  ['LXC works', createLxcSystem()],
])('on a host where %s', (_, system) => {
  test('the report has everything, and can be read back', async () => {
    const report = await buildReport({ system, timeoutMs: 500 })
    expect(report).toMatchObject({ reportVersion: REPORT_VERSION, toolVersion: VERSION })
    expect(Math.abs(Date.parse(report.createdAt) - Date.now())).toBeLessThan(60_000)
    expect(report.engines.map(({ engine }) => engine)).toEqual([...ENGINE_NAMES])
    expect(parseReport(JSON.stringify(report))).toStrictEqual(report)
  })

  test('an engine has capabilities exactly when it is available', async () => {
    for (const { availability, capabilities } of (await buildReport({ system, timeoutMs: 500 })).engines) {
      expect(capabilities !== null).toBe(availability.status === 'available')
    }
  })
})

test('a host of which nothing can be read claims nothing', async () => {
  const report = await buildReport({ system: createFailingSystem(), timeoutMs: 500 })
  const statuses = toMatrix(report).rows.flatMap(({ cells }) => cells.map(({ status }) => status))
  expect([...new Set(statuses)]).toEqual(['unknown'])
})

describe.each(ENGINE_NAMES)('a %s that hangs', (engine) => {
  const system = HANGING[engine](createLxcSystem())

  test('is unknown with its reason, within its time limit, and the other columns are intact', async () => {
    const others = ENGINE_NAMES.filter((name) => name !== engine)
    const alone = await buildReport({ system: createLxcSystem(), engines: others, timeoutMs: 300 })
    const beganMs = performance.now()
    const report = await buildReport({ system, timeoutMs: 300 })
    expect(performance.now() - beganMs).toBeLessThan(1500)
    expect(entryOf(report, engine)).toMatchObject({
      availability: { status: 'unknown', reason: expect.stringMatching(/.{5,}/u) },
      capabilities: null,
    })
    for (const other of others) expect(entryOf(report, other)).toEqual(entryOf(alone, other))
    expect(report.host).toEqual(alone.host)
  })

  test('has cells that say that nobody could look', async () => {
    const matrix = toMatrix(await buildReport({ system, timeoutMs: 200 }))
    const column = matrix.columns.findIndex((each) => each.engine === engine)
    for (const { cells } of matrix.rows) expect(cells[column]).toMatchObject({ status: 'unknown', value: 'unknown' })
  })
})

test('progress names the host and each engine, asked before answered', async () => {
  const progress: ReportProgress[] = []
  await buildReport({ system: createAbsentSystem(), onProgress: (each) => progress.push(each) })
  for (const subject of ['host', ...ENGINE_NAMES]) {
    expect(progress.filter((each) => each.subject === subject).map(({ state }) => state)).toEqual(['asked', 'answered'])
  }
})

// Each public function that waits, on a host on which Podman hangs for longer than a test may take.
const waiting: readonly (readonly [string, (system: System, signal: AbortSignal) => Promise<unknown>])[] = [
  ['buildReport', (system, signal) => buildReport({ system, signal, timeoutMs: 20_000 })],
  ['discoverRuntimes', (system, signal) => discoverRuntimes({ system, signal, timeoutMs: 20_000 })],
  ['openRuntime', (system, signal) => openRuntime('podman', { system, signal, timeoutMs: 20_000 })],
  ['selectRuntime', (system, signal) => selectRuntime({ system, signal, timeoutMs: 20_000, require: {} })],
]

describe.each(waiting)('%s', (_, work) => {
  test('ends with ABORTED when its signal had fired before', async () => {
    const pending = work(createAbsentSystem(), AbortSignal.abort(new Error('no more time')))
    await expect(pending).rejects.toMatchObject({ name: 'RootlessError', code: 'ABORTED' })
  })

  test('ends with ABORTED soon after its signal fires, though an engine hangs', async () => {
    const abort = new AbortController()
    const pending = work(HANGING.podman(createAbsentSystem()), abort.signal).then(
      () => 'nothing was thrown',
      (error: unknown) => error,
    )
    await sleep(50)
    abort.abort()
    expect(await Promise.race([pending, sleep(2000, 'it still waits')])).toMatchObject({ code: 'ABORTED' })
  })
})

test('this machine: the signal ends every command, and the report with ABORTED', async () => {
  const abort = new AbortController()
  const beganMs = performance.now()
  setTimeout(() => abort.abort(), 30)
  await expect(buildReport({ signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  expect(performance.now() - beganMs).toBeLessThan(3000)
})

import { execFileSync } from 'node:child_process'
import { CONTAINER_BEHAVIOURS, type Behaviour } from '@rootless-runtime/conformance'
import { ENGINE_NAMES, type EngineName } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leaveOut } from '../../leave-out.ts'
import type { Guest } from '../guest.ts'
import { CORE_GUESTS, parseKindName, toKindName } from '../releases.ts'
import { startGuest } from '../start-guest.ts'
import { bringContainers, PLACE } from './bundle.ts'
import { CHOSEN_IDS } from './chosen.ts'
import { storeSuiteRun, type BehaviourSet } from './containers-record.ts'
import { parseSuiteResult, type SuiteResult } from './suite-result.ts'

// The suite of containers inside guests, on each of their engines: each behaviour that fails there is one that fails here.
// LAB_CONTAINERS=whole runs every behaviour, which takes an hour or two for each guest without hardware virtualisation.

const SET: BehaviourSet = process.env['LAB_CONTAINERS'] === 'whole' ? 'whole' : 'chosen'
const ENGINES = (process.env['LAB_ENGINES'] ?? ENGINE_NAMES.join(',')).split(',')
const engines = ENGINE_NAMES.filter((engine) => ENGINES.includes(engine))
const guests = (process.env['LAB_GUESTS'] ?? CORE_GUESTS.map(toKindName).join(',')).split(',').flatMap((name) => {
  const kind = parseKindName(name)
  if (kind === undefined) throw new Error(`LAB_GUESTS: there is no guest ${name}`)
  return kind.configuration === 'bare' ? [] : [{ name, kind }]
})

const ids = Object.values<Readonly<Record<string, Behaviour>>>(CONTAINER_BEHAVIOURS).flatMap((theme) =>
  Object.keys(theme).filter((id) => SET === 'whole' || CHOSEN_IDS.some((chosen) => chosen === id)),
)

/** How many times longer than on an ordinary machine a proof may take. */
const PATIENCE = { kvm: 1, tcg: 8 } as const
const SUITE_MS = (SET === 'whole' ? 240 : 40) * 60_000
const VERSIONS: Readonly<Record<EngineName, string>> = {
  docker: "docker version --format '{{.Server.Version}}'",
  podman: "podman version --format '{{.Client.Version}}'",
  lxc: 'lxc-create --version',
}
const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Runs the suite on each engine of a guest, and keeps what came of it. */
async function runSuites(guest: Guest): Promise<ReadonlyMap<EngineName, SuiteResult>> {
  const only = SET === 'whole' ? '' : `-t '\\[(${ids.join('|')})\\]'`
  const output = '--reporter=default --reporter=json --outputFile.json=results.json'
  const { stdout: said } = await guest.run(
    `cd ${PLACE} && PATH=$PWD/bin:$PATH CI=true NO_COLOR=1 TEST_PATIENCE=${PATIENCE[guest.accelerator]} node node_modules/vitest/vitest.mjs run ` +
      `--configLoader native ${engines.map(toFile).join(' ')} ${only} ${output} 2>&1`,
    { timeoutMs: SUITE_MS },
  )
  const { stdout: json } = await guest.run(`cat ${PLACE}/results.json`)
  const results = engines.map((engine) => [engine, parseSuiteResult(json, toFile(engine), said.slice(-10_000))] as const)
  for (const [engine, result] of results) await keep(guest, engine, result)
  return new Map(results)
}

function toFile(engine: EngineName): string {
  return `${engine}.test.js`
}

async function keep(guest: Guest, engine: EngineName, { outcomes, minutes }: SuiteResult): Promise<void> {
  const ran = [...outcomes].filter(([id]) => ids.includes(id))
  const passed = ran.filter(([, { status }]) => status === 'passed')
  storeSuiteRun(guest.name, engine, SET, {
    version: await guest.must(VERSIONS[engine]),
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: import.meta.dirname }).trim(),
    accelerator: guest.accelerator,
    minutes,
    passed: passed.length,
    excepted: passed.filter(([, { title }]) => title.startsWith('not so, as its exception says')).map(([id]) => id),
    failed: ids.filter((id) => !passed.some(([each]) => each === id)),
  })
  say(`${guest.name}: ${engine}: ${passed.length} of ${ids.length} behaviours in ${minutes} min`)
}

if (guests.length === 0) leaveOut('containers in guests', 'LAB_GUESTS names no guest with engines')

describe.each(guests)('$name', ({ kind }) => {
  let guest: Guest
  let results: ReadonlyMap<EngineName, SuiteResult> = new Map()

  beforeAll(async () => {
    guest = await startGuest({ ...kind, onProgress: say })
    await bringContainers(guest)
    results = await runSuites(guest)
  }, SUITE_MS)
  afterAll(() => guest.stop())

  describe.each(engines)('%s', (engine) => {
    test('the suite ran, and left nothing', () => {
      expect(results.get(engine)?.wrong).toEqual([])
    })

    // An expectation would cut the message that came from the guest.
    // oxlint-disable-next-line vitest/expect-expect
    test.each(ids)('%s', (id) => {
      const outcome = results.get(engine)?.outcomes.get(id)
      if (outcome?.status !== 'passed') {
        throw new Error(`${outcome?.status ?? 'not run'}: ${outcome?.title}\n${outcome?.message}`)
      }
    })
  })
})

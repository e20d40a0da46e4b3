import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ENGINE_NAMES, type EngineName, type Report } from '@rootless-runtime/core'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Guest } from '../guest.ts'
import { writeObservations, type Observation } from '../matrix/observation.ts'
import { parseKindName, toKindName, type GuestKind } from '../releases.ts'
import { startGuest } from '../start-guest.ts'
import { toBringUps, toUpWords, type BringUp } from './bring-ups.ts'
import { toSaid, type Said } from './said.ts'
import { parseSeen, type Seen } from './seen.ts'

// Every driver of every engine, brought up by its real configuration in a guest: what `compare` says of it is what the kernel shows.

// One guest of each release: drivers do not depend on how a host delegates. And one on cgroup v1, where libpam-cgfs gives groups.
const GUESTS = ['bookworm-delegate', 'bookworm-v1', 'bullseye-default', 'trixie-delegate']
const DIST = join(import.meta.dirname, '../../../apps/compare/dist')
const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024
const UP_TIMEOUT_MS = 600_000
const MEANS = '/proc/PID/mountinfo, the processes and devices that carry packets, and the files of the cgroup'

const asked = process.env['LAB_GUESTS']?.split(',')
const kinds: readonly GuestKind[] = GUESTS.filter((name) => asked?.includes(name) ?? true).flatMap(
  (name) => parseKindName(name) ?? [],
)

const isV2 = ({ configuration }: GuestKind): boolean => configuration !== 'v1'

test.each(GUESTS)('%s is a guest of the lab', (name) => {
  expect(parseKindName(name)).toBeDefined()
})

describe.each(kinds.map((kind): [string, GuestKind] => [toKindName(kind), kind]))('the axes in %s', (name, kind) => {
  let guest: Guest
  let ordinary: Report
  const observations: Observation[] = []

  const script = (engine: EngineName, words: readonly string[]): Promise<string> =>
    guest
      .run(`sh /project/axes/${engine}.sh ${words.join(' ')}`, { timeoutMs: UP_TIMEOUT_MS })
      .then(({ stdout, stderr }) => `${stdout}\n${stderr}`)
  const compare = async (): Promise<Report> =>
    parseReport(await guest.must('node /project/dist/main.js compare --format json --timeout 30'))

  beforeAll(async () => {
    guest = await startGuest(kind)
    await guest.send(DIST, '/project/dist')
    await guest.send(import.meta.dirname, '/project/axes')
    await guest.must('sh /project/axes/btrfs.sh up', { user: 'root' })
    ordinary = await compare()
  })

  afterAll(async () => {
    const [kernel = '', systemd = ''] = (
      await guest.must("uname -r; systemctl --version | sed -n '1s/^systemd \\([^ ]*\\).*/\\1/p'")
    ).split('\n')
    await guest.stop()
    writeObservations({
      guest: name,
      suite: 'axes',
      date: new Date().toISOString(),
      commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', cwd: import.meta.dirname }).trim(),
      command: `LAB_GUESTS=${name} pnpm vitest run --project lab test/lab/axes`,
      kernel,
      systemd,
      observations,
    })
  })

  const note = (
    engine: EngineName,
    version: string,
    fact: Pick<Observation, 'axis' | 'variant' | 'cell' | 'said' | 'seen' | 'expected'> & Partial<Pick<Observation, 'reason'>>,
  ): void => {
    const verdict = fact.said === fact.seen && fact.seen === fact.expected ? 'confirmed' : 'contradicted'
    observations.push({ guest: name, engine, version, means: MEANS, verdict, ...fact })
  }

  function expectRefusal({ engine, refused }: Required<BringUp>, output: string): void {
    const { axis, driver, refusal } = refused
    const seen = parseSeen(output)
    const said = toSaid(ordinary, engine)
    const works = 'failed' in seen ? 'refused' : 'works'
    note(engine, said.version, {
      axis: axis === 'networking' ? 'network' : 'storage',
      variant: driver,
      cell: axis === 'networking' ? 'network' : 'storage',
      said: said.of(axis, driver) === 'supported' ? 'works' : 'refused',
      seen: works,
      expected: 'refused',
      reason: `${refusal.reason}: ${'failed' in seen ? seen.failed : ''}`,
    })
    expect({ said: said.of(axis, driver), seen: 'failed' in seen ? seen.failed : seen }, 'said and seen').toEqual({
      said: expect.stringMatching(/^unsupported: /u),
      seen: expect.stringMatching(refusal.words),
    })
  }

  function expectWorking({ engine, networking, storage }: Omit<BringUp, 'refused'>, said: Said, output: string): void {
    const seen = parseSeen(output)
    if ('failed' in seen)
      throw new Error(`${engine} with ${networking} and ${storage}: ${seen.failed}\nsaid: ${JSON.stringify(said)}`)
    // LXC chooses the store of each container, not of the engine: it says whether the store can be had.
    const saidStorage = engine === 'lxc' && said.of('storage', storage) === 'supported' ? storage : said.storage
    note(engine, said.version, {
      axis: 'network',
      variant: networking,
      cell: 'network',
      said: said.networking,
      seen: seen.networking,
      expected: networking,
    })
    note(engine, said.version, {
      axis: 'storage',
      variant: storage,
      cell: 'storage',
      said: saidStorage,
      seen: seen.storage,
      expected: storage,
    })
    expect({ networking: said.networking, storage: saidStorage }, `said; seen: ${JSON.stringify(seen)}`).toEqual({
      networking,
      storage,
    })
    expect(seen, `seen; said: ${JSON.stringify(said)}`).toMatchObject({
      networking,
      storage,
      uidMap: expect.stringMatching(/^0 (?:1000 1,1 100000 65536|100000 65536)$/u),
    })
    if (networking !== 'none') expect(seen.sentBytes, 'bytes that the device carried').toBeGreaterThan(0)
    expectLimit(engine, said, seen)
  }

  function expectLimit(engine: EngineName, said: Said, seen: Seen): void {
    // Without cgroup v2 only LXC has groups of this user, by libpam-cgfs.
    const manager = isV2(kind) ? 'systemd' : engine === 'lxc' ? 'pam' : 'none'
    const applied = { true: 'applied', false: 'not applied' } as const
    const facts = {
      manager: { said: said.manager, seen: seen.manager, expected: manager },
      'limit.memory': {
        said: applied[`${said.memory === 'supported'}`],
        seen: applied[`${seen.memoryLimitBytes === MEMORY_LIMIT_BYTES}`],
        expected: applied[`${manager !== 'none'}`],
      },
    }
    for (const [cell, fact] of Object.entries(facts)) {
      note(engine, said.version, { axis: 'limits', variant: manager, cell, ...fact })
    }
    for (const [cell, { expected, ...fact }] of Object.entries(facts)) {
      expect(fact, `${cell}: ${seen.group} holds ${seen.memoryLimitBytes}`).toEqual({ said: expected, seen: expected })
    }
  }

  describe.each(ENGINE_NAMES)('%s', (engine) => {
    const all = toBringUps(engine, kind.release)
    const chosen = isV2(kind) ? all : all.filter(({ refused }) => refused === undefined).slice(0, 1)
    const bringUps = chosen.map((bringUp): [string, BringUp] => [toTitle(bringUp), bringUp])
    test.each(bringUps)('%s', async (_, { refused, ...bringUp }) => {
      const up = await script(engine, ['up', ...toUpWords(bringUp)])
      // Podman heeds a word for its network only where it knows it: the network is asked for by name.
      const network = engine === 'podman' && refused?.axis === 'networking' ? [refused.driver] : []
      const output = 'failed' in parseSeen(up) ? up : await script(engine, ['see', ...network])
      const seen = parseSeen(output)
      expect('failed' in seen ? seen.failed : 'works', `${engine} brought up`).toMatch(refused?.refusal.words ?? /^works$/u)
      if (refused !== undefined) expectRefusal({ ...bringUp, refused }, output)
      else expectWorking(bringUp, toSaid(await compare(), engine), output)
    })

    test('everything is as it was before', async () => {
      expect(await guest.run(`sh /project/axes/${engine}.sh down`, { timeoutMs: UP_TIMEOUT_MS })).toMatchObject({ exitCode: 0 })
    })
  })
})

function toTitle({ networking, storage, refused }: BringUp): string {
  return refused === undefined ? `${networking} and ${storage}` : `${refused.driver} is refused: ${refused.refusal.reason}`
}

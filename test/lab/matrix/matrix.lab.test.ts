import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readResidentMebibytes, timeCommands } from '../figures.ts'
import type { Guest } from '../guest.ts'
import { recordInGuest } from '../record-in-guest.ts'
import { CORE_GUESTS, parseKindName, toKindName, type GuestKind } from '../releases.ts'
import { startGuest } from '../start-guest.ts'
import type { MatrixConfiguration } from './expected.ts'
import { judgeGuest, listWrong } from './judge.ts'
import { writeObservations } from './observation.ts'
import { look, type Looked } from './observe.ts'
import { QUIRKS } from './quirks.ts'

// What `rootless compare` says inside a guest, against what the kernel of that guest shows, against what is written down as true.

const names = (process.env['LAB_GUESTS'] ?? CORE_GUESTS.map(toKindName).join(',')).split(',')
const kinds = names.map((name): GuestKind => {
  const kind = parseKindName(name)
  if (kind === undefined) throw new Error(`LAB_GUESTS: there is no guest ${name}`)
  return kind
})
const withEngines = kinds.flatMap(({ release, configuration }) =>
  configuration === 'bare' ? [] : [{ release, configuration, guest: toKindName({ release, configuration }) }],
)

/** Recordings of the engines are made beside, for the fast suite: LAB_RECORD=yes. */
const RECORDS = process.env['LAB_RECORD'] === 'yes'
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

function readCommit(): string {
  return execFileSync('git', ['-C', import.meta.dirname, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
}

function store(guest: string, { said, seen }: Looked, release: GuestKind['release'], configuration: MatrixConfiguration): void {
  writeObservations({
    guest,
    suite: 'matrix',
    date: new Date().toISOString().slice(0, 10),
    commit: readCommit(),
    command: `LAB_GUESTS=${guest} vitest run --project lab test/lab/matrix`,
    kernel: seen['host.kernel'] ?? '',
    systemd: seen['host.systemd'] ?? '',
    observations: judgeGuest(release, configuration, { said, seen }),
    said,
    seen,
  })
}

if (withEngines.length === 0) test.skip('LAB_GUESTS names no guest with engines', () => {})

describe.each(withEngines)('$guest', ({ guest: name, release, configuration }) => {
  let guest: Guest | undefined
  let looked: Looked = { said: {}, seen: {} }

  beforeAll(async () => {
    const started = performance.now()
    guest = await startGuest({ release, configuration, onProgress: say })
    looked = await look(guest, () => say(`${name}: first compare ended ${seconds(performance.now() - started)} after the start`))
    store(name, looked, release, configuration)
    const times = Object.entries(await timeCommands(guest)).map(([line, took]) => `${line} ${took.toFixed(1)} s`)
    say(`${name}: ${times.join(', ')}; ${readResidentMebibytes(guest)} MiB resident`)
    if (RECORDS) say((await recordInGuest(guest, configuration)).join('\n'))
  })
  afterAll(() => guest?.stop())

  test('every engine started a container or is a declared exception, and what compare says of it is what is there and what is written down', () => {
    expect(listWrong(judgeGuest(release, configuration, looked), looked.seen)).toEqual([])
  })

  test.each(QUIRKS.filter(({ guests }) => guests.some((each) => each === name)))('$engine: $is', ({ holds }) => {
    expect(holds(looked.seen)).toEqual(true)
  })
})

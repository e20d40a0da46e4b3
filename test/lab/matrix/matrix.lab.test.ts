import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Guest } from '../guest.ts'
import { CORE_GUESTS, parseKindName, toKindName, type GuestKind } from '../releases.ts'
import { startGuest } from '../start-guest.ts'
import type { MatrixConfiguration } from './expected.ts'
import { judgeGuest } from './judge.ts'
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
    guest = await startGuest({ release, configuration, onProgress: (line) => process.stderr.write(`${line}\n`) })
    looked = await look(guest)
    store(name, looked, release, configuration)
  })
  afterAll(() => guest?.stop())

  test('every engine started a container, and what compare says of it is what is there and what is written down', () => {
    const observations = judgeGuest(release, configuration, looked)
    expect(Object.keys(looked.seen).filter((key) => key.endsWith('.failed'))).toEqual([])
    const wrong = observations
      .filter(({ verdict }) => verdict !== 'confirmed')
      .map(({ engine, cell, said, seen, expected, verdict }) => {
        return `${name} ${engine} ${cell}: ${verdict}: said ${said}, seen ${seen}, expected ${expected}`
      })
    expect(wrong).toEqual([])
  })

  test.each(QUIRKS.filter(({ guests }) => guests.some((each) => each === name)))('$engine: $is', ({ holds }) => {
    expect(holds(looked.seen)).toEqual(true)
  })
})

import type { ExpectedCells } from '@rootless-runtime/conformance'
import { ENGINE_NAMES, type EngineName } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { EXPECTED_CELLS as DOCKER } from '../../../packages/docker/test/expected-cells.ts'
import { EXPECTED_CELLS as LXC } from '../../../packages/lxc/test/expected-cells.ts'
import { EXPECTED_CELLS as PODMAN } from '../../../packages/podman/test/expected-cells.ts'
import { parseKindName, type Release } from '../releases.ts'
import { readObservations } from './observation.ts'
import { toList } from './observe.ts'

// The recordings of the adapters were made in these guests: what each must lead to is what was seen there.

const RECORDED: Readonly<Record<EngineName, Readonly<Record<string, ExpectedCells>>>> = {
  docker: DOCKER,
  podman: PODMAN,
  lxc: LXC,
}
const DEBIAN: Readonly<Record<Release, string>> = { bullseye: '11', bookworm: '12', trixie: '13' }

/** What the fast suite expects of a guest's engine, in the words of the matrix. */
function toWords(cells: ExpectedCells): Readonly<Record<string, string>> {
  return {
    network: cells.networking,
    storage: cells.storage,
    cgroupVersion: cells.cgroup,
    cgroupManager: cells.manager,
    controllers: typeof cells.controllers === 'string' ? cells.controllers : toList(cells.controllers),
    ...Object.fromEntries(
      Object.entries(cells.limits).map(([name, bites]) => [`limit.${name}`, bites === true ? 'bites' : 'no']),
    ),
  }
}

const guests = readObservations().filter(({ suite }) => suite === 'matrix')

test.each(guests.flatMap((found) => ENGINE_NAMES.map((engine) => ({ guest: found.guest, engine, found }))))(
  'the recording of $engine in $guest leads to what was seen there',
  ({ guest, engine, found }) => {
    const kind = parseKindName(guest)
    if (kind === undefined) throw new Error(`there is no guest ${guest}`)
    const end = `-debian-${DEBIAN[kind.release]}-${kind.configuration}.json`
    const [recorded, ...more] = Object.entries(RECORDED[engine]).filter(([name]) => name.endsWith(end))
    if (recorded === undefined) throw new Error(`no recording of ${engine} in ${guest}: LAB_RECORD=yes LAB_GUESTS=${guest}`)
    expect(more).toEqual([])
    const facts = found.observations.filter((fact) => fact.engine === engine)
    // An engine that starts nothing there shows nothing but that.
    if (facts.some(({ verdict }) => verdict === 'refused')) return expect(recorded[1].cgroup).toBe('unsupported')
    const words = toWords(recorded[1])
    expect(words).toEqual(
      Object.fromEntries(Object.keys(words).map((cell) => [cell, facts.find((fact) => fact.cell === cell)?.seen])),
    )
  },
)

import type { EngineName } from '@rootless-runtime/core'
import type { Release } from '../releases.ts'
import { VARIANTS, type Answer, type Axis, type Refusal } from './variants.ts'

/** One start of an engine. It proves both of its drivers, or that the engine refuses one of them. */
export interface BringUp {
  readonly engine: EngineName
  readonly networking: string
  readonly storage: string
  readonly refused?: { readonly axis: Axis; readonly driver: string; readonly refusal: Refusal }
}

/** Few starts that cover every driver of an engine: an emulated guest takes a minute for each. */
export function toBringUps(engine: EngineName, release: Release): readonly BringUp[] {
  const networking = split(VARIANTS[engine].networking, release)
  const storage = split(VARIANTS[engine].storage, release)
  const [firstNetwork] = networking.working
  const [firstStorage] = storage.working
  if (firstNetwork === undefined || firstStorage === undefined) throw new Error(`${engine} has nothing that works on ${release}`)
  const count = Math.max(networking.working.length, storage.working.length)
  return [
    ...networking.refused.map(({ driver, refusal }) => ({
      engine,
      networking: driver,
      storage: firstStorage,
      refused: { axis: 'networking' as const, driver, refusal },
    })),
    ...storage.refused.map(({ driver, refusal }) => ({
      engine,
      networking: firstNetwork,
      storage: driver,
      refused: { axis: 'storage' as const, driver, refusal },
    })),
    ...Array.from({ length: count }, (_, index) => ({
      engine,
      networking: networking.working[index] ?? firstNetwork,
      storage: storage.working[index] ?? firstStorage,
    })),
  ]
}

interface Split {
  readonly working: readonly string[]
  readonly refused: readonly { readonly driver: string; readonly refusal: Refusal }[]
}

function split(rows: Readonly<Record<string, Readonly<Record<Release, Answer>>>>, release: Release): Split {
  const answers = Object.entries(rows).map(([driver, releases]) => ({ driver, answer: releases[release] }))
  return {
    working: answers.flatMap(({ driver, answer }) => (answer === 'works' ? [driver] : [])),
    refused: answers.flatMap(({ driver, answer }) => (answer === 'works' ? [] : [{ driver, refusal: answer }])),
  }
}

const NETWORK_TYPES: ReadonlyMap<string, string> = new Map([
  ['lxc-user-nic', 'veth'],
  ['none', 'empty'],
])

/** The words after `up` for the script of an engine. A btrfs is mounted at /srv/axis-btrfs by then. */
export function toUpWords({ engine, networking, storage }: BringUp): readonly string[] {
  const home = storage === 'btrfs' ? `/srv/axis-btrfs/${engine}` : `$HOME/axis-${engine}`
  switch (engine) {
    case 'docker':
      // RootlessKit with pasta publishes by pasta itself.
      return [networking, networking === 'pasta' ? 'implicit' : 'builtin', storage === 'overlay' ? 'overlay2' : storage, home]
    case 'podman':
      return [networking, storage, home]
    case 'lxc':
      return [NETWORK_TYPES.get(networking) ?? networking, storage, home]
  }
}

import { ENGINE_NAMES, LIMIT_NAMES, type EngineName, type LimitName } from '@rootless-runtime/core'
import type { Release } from '../releases.ts'
import { EXPECTED, type Exception, type ExpectedCells, type MatrixConfiguration } from './expected.ts'
import type { Observation } from './observation.ts'
import { toList, toUpstream, type Looked, type Words } from './observe.ts'

/** One column of a guest's matrix: how it is seen, and what the table expects of it. */
interface Cell {
  readonly name: string
  readonly means: string
  readonly see: (seen: Words, engine: EngineName) => string
  readonly expect: (cells: ExpectedCells) => string
}

/** What the kernel holds once the limit that was asked for has taken hold: 64 MB, half a CPU, 20 tasks, CPU 0, a weight of 100. */
const TAKEN_HOLD: Readonly<Record<LimitName, readonly string[]>> = {
  memory: ['67108864'],
  cpu: ['50000 100000', '50000'],
  pids: ['20'],
  cpuset: ['0'],
  // cgroup v2 counts from 1 to 10000, the option from 10 to 1000.
  io: ['default 910', '910', '100'],
}

const ROOTS: ReadonlyMap<string, string> = new Map([
  ['overlay', 'overlay'],
  ['fuse.fuse-overlayfs', 'fuse-overlayfs'],
  ['btrfs', 'btrfs'],
])

export const CELLS: readonly Cell[] = [
  {
    name: 'version',
    means: 'the version of the package, by dpkg-query',
    see: (seen, engine) => toUpstream(word(seen, `${engine}.version`)),
    expect: ({ version }) => version,
  },
  {
    name: 'network',
    means: 'the process or veth that carries packets, and its byte counter grows',
    see: (seen, engine) => {
      const carrier = word(seen, `${engine}.network`)
      const sentBytes = Number(word(seen, `${engine}.sentBytes`))
      return sentBytes > 0 ? carrier : `${carrier}, which carried nothing`
    },
    expect: ({ network }) => network,
  },
  {
    name: 'storage',
    means: 'the file system of / in /proc/PID/mountinfo of a container',
    see: (seen, engine) => {
      const type = word(seen, `${engine}.storage`)
      return ROOTS.get(type) ?? (type === 'ext4' ? COPIES[engine] : type)
    },
    expect: ({ storage }) => storage,
  },
  {
    name: 'cgroupVersion',
    means: 'which hierarchies are below /sys/fs/cgroup',
    see: (seen) => word(seen, 'host.cgroup'),
    expect: ({ cgroupVersion }) => cgroupVersion,
  },
  {
    name: 'cgroupManager',
    means: 'the path in /proc/PID/cgroup of a container',
    see: seeManager,
    expect: ({ cgroupManager }) => cgroupManager,
  },
  {
    name: 'controllers',
    means: "cgroup.controllers of the user's manager; on v1 the groups that are the container's own",
    see: (seen, engine) =>
      isUnlimited(seen, engine) ? 'none' : toList(word(seen, `${engine}.controllers`).split(' ').filter(Boolean)),
    expect: ({ controllers }) => toList(controllers),
  },
  ...LIMIT_NAMES.map((limit): Cell => ({
    name: `limit.${limit}`,
    means: "the limit's file in the cgroup of a container that was started with it",
    see: (seen, engine) => (TAKEN_HOLD[limit].includes(word(seen, `${engine}.limit.${limit}`)) ? 'bites' : 'no'),
    expect: ({ limits }) => (limits.includes(limit) ? 'bites' : 'no'),
  })),
  {
    name: 'ids',
    means: 'the last line of /proc/PID/uid_map of a container',
    see: (seen, engine) => {
      const [, start, count] = (word(seen, `${engine}.uidMap`).split(',').at(-1) ?? '').split(' ')
      return `${start}:${count}`
    },
    // What every guest is made with.
    expect: () => '100000:65536',
  },
]

/** A group that LXC made for its container. */
const OWN_GROUP = /\/lxc\.payload\.[^/]*$/u

/** What an engine calls a storage driver that copies onto the file system of the home. */
const COPIES: Readonly<Record<EngineName, string>> = { docker: 'vfs', podman: 'vfs', lxc: 'dir' }

/** Whether nothing holds it although cgroup v1 gave it groups: those that its daemon was given prove nothing. */
function isUnlimited(seen: Words, engine: EngineName): boolean {
  if (OWN_GROUP.test(word(seen, `${engine}.group`))) return false
  const held = LIMIT_NAMES.some((limit) => TAKEN_HOLD[limit].includes(word(seen, `${engine}.limit.${limit}`)))
  return word(seen, 'host.cgroup') !== 'v2' && !held
}

function seeManager(seen: Words, engine: EngineName): string {
  if (isUnlimited(seen, engine)) return 'none'
  const group = word(seen, `${engine}.group`)
  if (word(seen, 'host.cgroup') !== 'v2') return OWN_GROUP.test(group) ? 'pam' : group
  return /\/user@\d+\.service\/.*\.scope(?:\/|$)/u.test(group) ? 'systemd' : group
}

function word(words: Words, name: string): string {
  return words[name] ?? `${name} is missing`
}

/** The facts of one guest, each as said, as seen and as expected. */
export function judgeGuest(release: Release, configuration: MatrixConfiguration, { said, seen }: Looked): readonly Observation[] {
  return ENGINE_NAMES.flatMap((engine) => {
    const row = EXPECTED[release][configuration][engine]
    const guest = `${release}-${configuration}`
    return 'exception' in row
      ? [judgeException({ guest, engine, row, said, seen })]
      : CELLS.map((cell) => judgeCell({ guest, engine, cell, row, said, seen }))
  })
}

/** What is wrong in a guest, a sentence each: what is neither confirmed nor an exception that happened, and what started nothing. */
export function listWrong(observations: readonly Observation[], seen: Words): readonly string[] {
  const refused = new Set(observations.filter(({ verdict }) => verdict === 'refused').map(({ engine }) => `${engine}.failed`))
  const failed = Object.keys(seen).filter((key) => key.endsWith('.failed') && !refused.has(key))
  return [
    ...failed.map((key) => `${key}: ${seen[key]}`),
    ...observations
      .filter(({ verdict }) => verdict !== 'confirmed' && verdict !== 'refused')
      .map(({ guest, engine, cell, said, seen: shown, expected, verdict }) => {
        return `${guest} ${engine} ${cell}: ${verdict}: said ${said}, seen ${shown}, expected ${expected}`
      }),
  ]
}

interface Place extends Looked {
  readonly guest: string
  readonly engine: EngineName
  readonly cell: Cell
  readonly row: ExpectedCells
}

function judgeCell({ guest, engine, cell, row, said, seen }: Place): Observation {
  const facts = {
    said: word(said, `${engine}.${cell.name}`),
    seen: cell.see(seen, engine),
    expected: cell.expect(row),
  }
  const observation: Observation = {
    guest,
    engine,
    axis: 'default',
    variant: 'default',
    cell: cell.name,
    ...facts,
    verdict: toVerdict(facts),
    version: toUpstream(word(seen, `${engine}.version`)),
    means: cell.means,
  }
  return observation.verdict === 'unverified' ? { ...observation, reason: facts.said } : observation
}

/** An exception that does not happen is as wrong as a failure that is none. */
function judgeException({
  guest,
  engine,
  row,
  said,
  seen,
}: Omit<Place, 'row' | 'cell'> & { readonly row: Exception }): Observation {
  const failure = seen[`${engine}.failed`] ?? 'a container'
  const reason = said[`${engine}.refusal`] ?? 'nothing'
  return {
    guest,
    engine,
    axis: 'default',
    variant: 'default',
    cell: 'start',
    said: reason,
    seen: failure,
    expected: row.refusal,
    verdict: failure.includes(row.refusal) && reason.includes(row.said) ? 'refused' : 'contradicted',
    version: toUpstream(word(seen, `${engine}.version`)),
    means: 'what the engine printed when it was to start a container',
    reason: row.exception,
  }
}

function toVerdict({ said, seen, expected }: Pick<Observation, 'said' | 'seen' | 'expected'>): Observation['verdict'] {
  // What the tool does not know is no agreement; what is seen must be as written down all the same.
  if (seen !== expected) return 'contradicted'
  if (said.startsWith('unknown')) return 'unverified'
  return said === seen ? 'confirmed' : 'contradicted'
}

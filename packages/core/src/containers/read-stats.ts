import { known, unknownFact, type Fact } from '../fact.ts'
import type { System } from '../system.ts'
import {
  findPlace,
  listFolders,
  readCgroupKey,
  readCgroupNumber,
  readCgroupPlaces,
  type CgroupPlace,
} from './container-cgroup.ts'
import type { ContainerStats } from './container-state.ts'

const SHARED = 'the container has no cgroup of its own: the figures of its cgroup are those of others too'

/**
 * What a container uses, from the cgroup of its first process, when that is the container's own: another one than its parent's, which
 * is the engine's. Docker 20.10 gives the host's figures as the container's where it has no cgroups.
 */
export async function readStats(
  system: System,
  pid: number,
  { ownNetwork }: { readonly ownNetwork: boolean },
): Promise<ContainerStats> {
  const [places, parent] = await Promise.all([readCgroupPlaces(system, pid), readParentPlaces(system, pid)])
  const own = (controller: string): Fact<{ readonly folder: string; readonly unified: boolean }> => {
    if (places.status === 'unknown') return places
    if (parent.status === 'unknown') return parent
    const place = findPlace(places.value, controller)
    const folder = place === undefined ? undefined : listFolders(place)[0]
    if (place === undefined || folder === undefined) return unknownFact(SHARED, places.source)
    const above = findPlace(parent.value, controller)
    return above?.path === place.path ? unknownFact(SHARED, folder) : known({ folder, unified: place.unified }, folder)
  }
  const [received, sent] = ownNetwork
    ? await readNetwork(system, pid)
    : [
        unknownFact('it has the network of the host', '/proc/net/dev'),
        unknownFact('it has the network of the host', '/proc/net/dev'),
      ]
  const [memory, cpu, pids, io] = [own('memory'), own('cpuacct'), own('pids'), own('io')]
  return {
    memoryBytes: await read(memory, ({ folder, unified }) =>
      readCgroupNumber(system, `${folder}/${unified ? 'memory.current' : 'memory.usage_in_bytes'}`),
    ),
    memoryLimitBytes: await readLimit(system, memory),
    cpuMicroseconds: await read(cpu, async ({ folder, unified }) => {
      if (unified) return await readCgroupKey(system, `${folder}/cpu.stat`, 'usage_usec')
      const nanoseconds = await readCgroupNumber(system, `${folder}/cpuacct.usage`)
      return typeof nanoseconds === 'number' ? Math.round(nanoseconds / 1000) : undefined
    }),
    pids: await read(pids, ({ folder }) => readCgroupNumber(system, `${folder}/pids.current`)),
    ioReadBytes: await read(io, ({ folder }) => readIo(system, folder, 'rbytes')),
    ioWriteBytes: await read(io, ({ folder }) => readIo(system, folder, 'wbytes')),
    networkReceivedBytes: received,
    networkSentBytes: sent,
  }
}

async function readParentPlaces(system: System, pid: number): Promise<Fact<readonly CgroupPlace[]>> {
  const source = `/proc/${pid}/stat`
  const answer = await system.readText(source)
  if (answer.status !== 'ok') return unknownFact(answer.reason, source)
  const parent = Number.parseInt(answer.value.slice(answer.value.lastIndexOf(')') + 4), 10)
  return parent > 0 ? await readCgroupPlaces(system, parent) : unknownFact('its parent cannot be told', source)
}

type Own = Fact<{ readonly folder: string; readonly unified: boolean }>

async function read(
  own: Own,
  look: (place: { readonly folder: string; readonly unified: boolean }) => Promise<number | null | undefined>,
): Promise<Fact<number>> {
  if (own.status === 'unknown') return own
  const value = await look(own.value)
  return typeof value === 'number' ? known(value, own.source) : unknownFact('its controller is not there', own.source)
}

async function readLimit(system: System, own: Own): Promise<Fact<number | null>> {
  if (own.status === 'unknown') return own
  const { folder, unified } = own.value
  const value = await readCgroupNumber(system, `${folder}/${unified ? 'memory.max' : 'memory.limit_in_bytes'}`)
  if (value === undefined) return unknownFact('its controller is not there', own.source)
  // PAGE_COUNTER_MAX: how cgroup v1 writes "no limit".
  return known(value !== null && value > 2 ** 62 ? null : value, own.source)
}

async function readIo(system: System, folder: string, key: string): Promise<number | undefined> {
  const answer = await system.readText(`${folder}/io.stat`)
  if (answer.status !== 'ok') return undefined
  return [...answer.value.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'gu'))].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
}

/** Bytes of every interface but the loopback, of the network namespace of a process, proc(5). */
async function readNetwork(system: System, pid: number): Promise<readonly [Fact<number>, Fact<number>]> {
  const source = `/proc/${pid}/net/dev`
  const answer = await system.readText(source)
  if (answer.status !== 'ok') return [unknownFact(answer.reason, source), unknownFact(answer.reason, source)]
  const lines = answer.value.split('\n').flatMap((line) => {
    const match = /^\s*([^:\s]+):\s*(.*)$/u.exec(line)
    return match?.[1] === undefined || match[1] === 'lo' ? [] : [(match[2] ?? '').split(/\s+/u).map(Number)]
  })
  const sum = (column: number): number => lines.reduce((total, numbers) => total + (numbers[column] ?? 0), 0)
  return [known(sum(0), source), known(sum(8), source)]
}

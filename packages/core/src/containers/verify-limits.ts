import type { System } from '../system.ts'
import { findPlace, listFolders, readCgroupNumber, readCgroupPlaces, type CgroupPlace } from './container-cgroup.ts'
import type { LimitVerdict } from './container-state.ts'
import type { LimitPlan } from './driver.ts'
import { askedFields, describeAsked, LIMIT_OF_FIELD } from './plan-limits.ts'

/** A value that limits, and where it stands. */
interface Seen {
  readonly value: number
  readonly where: string
}

/** What was looked for, in v2's and in v1's words, and what it was. */
interface Look {
  readonly controller: string
  readonly read: (system: System, folder: string, unified: boolean) => Promise<number | null | undefined>
}

const LOOKS: Readonly<Record<Exclude<keyof LimitPlan, 'cpuset'>, Look>> = {
  memoryBytes: {
    controller: 'memory',
    read: (system, folder, unified) => readCgroupNumber(system, `${folder}/${unified ? 'memory.max' : 'memory.limit_in_bytes'}`),
  },
  swapBytes: {
    controller: 'memory',
    read: async (system, folder, unified) => {
      if (unified) return await readCgroupNumber(system, `${folder}/memory.swap.max`)
      // v1 counts memory and swap as one.
      const both = await readCgroupNumber(system, `${folder}/memory.memsw.limit_in_bytes`)
      const memory = await readCgroupNumber(system, `${folder}/memory.limit_in_bytes`)
      return typeof both === 'number' && typeof memory === 'number' ? both - memory : both
    },
  },
  cpus: { controller: 'cpu', read: readCpus },
  pids: { controller: 'pids', read: (system, folder) => readCgroupNumber(system, `${folder}/pids.max`) },
  ioWeight: { controller: 'io', read: readIoWeight },
}

async function readCpus(system: System, folder: string, unified: boolean): Promise<number | null | undefined> {
  if (!unified) {
    const quota = await readCgroupNumber(system, `${folder}/cpu.cfs_quota_us`)
    const period = await readCgroupNumber(system, `${folder}/cpu.cfs_period_us`)
    return typeof quota === 'number' && typeof period === 'number' ? quota / period : quota
  }
  const answer = await system.readText(`${folder}/cpu.max`)
  if (answer.status !== 'ok') return undefined
  const [quota = '', period = ''] = answer.value.trim().split(' ')
  return quota === 'max' ? null : Number(quota) / Number(period)
}

// Docker's 10 to 1000 becomes 1 to 10000 in io.weight, as runc and crun convert it.
async function readIoWeight(system: System, folder: string): Promise<number | null | undefined> {
  for (const file of ['io.weight', 'io.bfq.weight']) {
    const answer = await system.readText(`${folder}/${file}`)
    const weight = answer.status === 'ok' ? /^(?:default )?(\d+)/u.exec(answer.value)?.[1] : undefined
    if (weight !== undefined) return file === 'io.weight' ? Math.round(10 + ((Number(weight) - 1) * 990) / 9999) : Number(weight)
  }
  return undefined
}

/**
 * Looks for every limit that was asked in the cgroups of the container's first process: engines say yes and do nothing. A limit
 * of a cgroup above counts, since the kernel applies the least of all. Without a process nobody can look.
 */
export async function verifyLimits(system: System, pid: number | null, plan: LimitPlan): Promise<readonly LimitVerdict[]> {
  const fields = askedFields(plan)
  if (fields.length === 0) return []
  const verdict = (field: keyof LimitPlan, status: LimitVerdict['status'], evidence: string): LimitVerdict => ({
    limit: LIMIT_OF_FIELD[field],
    asked: describeAsked(field, plan),
    status,
    evidence,
  })
  if (pid === null) return fields.map((field) => verdict(field, 'unknown', 'it had ended before anybody could look'))
  const places = await readCgroupPlaces(system, pid)
  if (places.status === 'unknown') return fields.map((field) => verdict(field, 'unknown', places.reason))
  return await Promise.all(
    fields.map(async (field) => {
      const [status, evidence] =
        field === 'cpuset' ? await lookCpuset(system, places.value, plan) : await look(system, places.value, field, plan)
      return verdict(field, status, evidence)
    }),
  )
}

type Answer = readonly [LimitVerdict['status'], string]

async function look(
  system: System,
  places: readonly CgroupPlace[],
  field: Exclude<keyof LimitPlan, 'cpuset'>,
  plan: LimitPlan,
): Promise<Answer> {
  const { controller, read } = LOOKS[field]
  const asked = plan[field] ?? 0
  const place = findPlace(places, controller)
  if (place === undefined) return ['not-applied', `it is in no cgroup with the controller ${controller}`]
  const folders = listFolders(place)
  const seen: Seen[] = []
  for (const folder of field === 'ioWeight' ? folders.slice(0, 1) : folders) {
    const value = await read(system, folder, place.unified)
    if (typeof value === 'number') seen.push({ value, where: folder })
  }
  const least = seen.toSorted((a, b) => a.value - b.value)[0]
  const where = folders[0] ?? place.root
  if (least === undefined) return ['not-applied', `${where} and the cgroups above it have no limit of ${controller}`]
  const holds = field === 'ioWeight' ? Math.abs(least.value - asked) <= 1 : least.value <= asked * 1.01
  return [holds ? 'applied' : 'not-applied', `${least.where}: ${least.value}`]
}

async function lookCpuset(system: System, places: readonly CgroupPlace[], plan: LimitPlan): Promise<Answer> {
  const place = findPlace(places, 'cpuset')
  const folder = place === undefined ? undefined : listFolders(place)[0]
  if (place === undefined || folder === undefined) return ['not-applied', 'it is in no cgroup with the controller cpuset']
  const file = `${folder}/${place.unified ? 'cpuset.cpus.effective' : 'cpuset.cpus'}`
  const answer = await system.readText(file)
  if (answer.status !== 'ok') return ['not-applied', answer.reason]
  const found = answer.value.trim()
  const asked = new Set(toProcessors(plan.cpuset ?? ''))
  const holds = found !== '' && toProcessors(found).every((processor) => asked.has(processor))
  return [holds ? 'applied' : 'not-applied', `${file}: ${found}`]
}

/** `0-2,5` as its numbers, cpuset(7). */
export function toProcessors(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    if (!/^\d{1,5}(?:-\d{1,5})?$/u.test(part)) return []
    const [from = 0, to = from] = part.split('-').map(Number)
    if (to < from) return []
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

import type { LimitName, Limits } from 'rootless-runtime'
import { invalidOption } from './invalid-option.ts'
import { parseNumber, parseSize } from './parse-size.ts'

export interface LimitWords {
  readonly memory?: string
  readonly memorySwap?: string
  readonly cpus?: string
  readonly pidsLimit?: string
  readonly cpusetCpus?: string
  readonly blkioWeight?: string
  readonly ifUnenforceable?: 'throw' | 'warn'
}

/** The limits that were asked for, in Docker's words; `undefined` when there are none. */
export function parseLimits(words: LimitWords): Limits | undefined {
  const memoryBytes = words.memory === undefined ? undefined : parseSize('--memory', words.memory)
  const swapBytes = words.memorySwap === undefined ? undefined : parseSwap(words.memorySwap, memoryBytes)
  const pids = words.pidsLimit === undefined ? undefined : parseNumber('--pids-limit', words.pidsLimit)
  const limits = {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(swapBytes !== undefined && { swapBytes }),
    ...(words.cpus !== undefined && { cpus: parseNumber('--cpus', words.cpus) }),
    // Docker's word for none.
    ...(pids !== undefined && pids !== -1 && { pids }),
    ...(words.cpusetCpus !== undefined && { cpuset: words.cpusetCpus }),
    ...(words.blkioWeight !== undefined && { ioWeight: parseNumber('--blkio-weight', words.blkioWeight) }),
  }
  if (Object.keys(limits).length === 0) return undefined
  return words.ifUnenforceable === undefined ? limits : { ...limits, ifUnenforceable: words.ifUnenforceable }
}

/** Docker counts memory and swap together. */
function parseSwap(text: string, memoryBytes: number | undefined): number {
  if (memoryBytes === undefined) throw invalidOption('--memory-swap', text, 'it needs --memory')
  if (text === '-1') throw invalidOption('--memory-swap', text, 'swap without an end is not supported: say how much')
  const total = parseSize('--memory-swap', text)
  if (total < memoryBytes) throw invalidOption('--memory-swap', text, 'it is memory and swap together: not less than --memory')
  return total - memoryBytes
}

const LIMITS_OF_OPTIONS: Readonly<Record<Exclude<keyof Limits, 'ifUnenforceable'>, LimitName>> = {
  memoryBytes: 'memory',
  swapBytes: 'memory',
  cpus: 'cpu',
  pids: 'pids',
  cpuset: 'cpuset',
  ioWeight: 'io',
}

/** The limits that an engine must apply for these options: none when a warning is enough. */
export function listNeededLimits(limits: Limits | undefined): readonly LimitName[] {
  if (limits === undefined || limits.ifUnenforceable === 'warn') return []
  const { memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight } = limits
  const asked = { memoryBytes, swapBytes, cpus, pids, cpuset, ioWeight }
  return [
    ...new Set(
      Object.entries(asked).flatMap(([name, value]) => (value !== undefined && isOption(name) ? [LIMITS_OF_OPTIONS[name]] : [])),
    ),
  ]
}

function isOption(name: string): name is keyof typeof LIMITS_OF_OPTIONS {
  return Object.hasOwn(LIMITS_OF_OPTIONS, name)
}

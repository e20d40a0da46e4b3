import type { ContainerStats, Fact } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'

/** A figure of /proc/meminfo in bytes. */
async function readMemory(bench: Bench, field: string): Promise<number> {
  const answer = await bench.machine.readText('/proc/meminfo')
  const text = answer.status === 'ok' ? answer.value : ''
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'mu').exec(text)?.[1]) * 1024
}

function valueOf<Value>(fact: Fact<Value>): Value | null {
  if (fact.status === 'known') return fact.value
  expect(fact.reason).not.toBe('')
  return null
}

/** What a container uses: its own figures, or unknown. */
export const STATS = {
  'stats-whole': behaviour('every figure is a number, or unknown with its reason', async (bench) => {
    const stats: ContainerStats = await (await bench.shared()).stats()
    for (const fact of Object.values<Fact<number | null>>({ ...stats })) {
      const value = valueOf(fact)
      if (value !== null) expect(value).toBeGreaterThanOrEqual(0)
    }
  }),
  'stats-memory': behaviour('the memory is of the container, never of the host', async (bench) => {
    const memory = valueOf((await (await bench.shared()).stats()).memoryBytes)
    // A sleeping shell; the host has used many times that.
    if (memory !== null) expect(memory).toBeLessThan(32 * 1024 * 1024)
  }),
  'stats-memory-limit': behaviour(
    'a container without a limit is not said to have the memory of the host as one',
    async (bench) => {
      const limit = valueOf((await (await bench.shared()).stats()).memoryLimitBytes)
      if (limit !== null) expect(Math.abs(limit - (await readMemory(bench, 'MemTotal')))).toBeGreaterThan(1024 * 1024)
    },
  ),
  'stats-pids': behaviour('the processes are those of the container', async (bench) => {
    const pids = valueOf((await (await bench.shared()).stats()).pids)
    if (pids !== null) expect(pids).toBeLessThan(10)
  }),
  'stats-cpu': behaviour('the processor time is that of the container', async (bench) => {
    const container = await bench.run()
    const started = performance.now()
    await container.exec(['sh', '-c', 'n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done'])
    const used = valueOf((await container.stats()).cpuMicroseconds)
    if (used === null) return
    expect(used).toBeGreaterThan(1000)
    expect(used).toBeLessThan((performance.now() - started + 5000) * 1000 * 2)
  }),
  'stats-network': behaviour('a container without a network has sent nothing', async (bench) => {
    const sent = valueOf((await (await bench.shared()).stats()).networkSentBytes)
    if (sent !== null) expect(sent).toBe(0)
  }),
  'stats-not-running': behaviour('the figures of a container that does not run are NOT_RUNNING', async (bench) => {
    const container = await bench.create()
    await expectCode('NOT_RUNNING', container.stats())
  }),
}

import { setTimeout as sleep } from 'node:timers/promises'
import { knownValue, printable, RootlessError, type Container, type ContainerStats } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import type { ContainersWords } from '../containers/each-container.ts'
import { askEngines, findContainer, openEngines } from '../containers/engines.ts'
import { EXIT, type Io } from '../io.ts'
import { renderStats, type StatsSample } from '../render/stats.ts'
import { toStyle } from '../render/style.ts'

const PERIOD_MS = 1000

export interface StatsWords extends ContainersWords {
  readonly format: 'text' | 'json'
  /** Commander's name for `--no-stream`. */
  readonly stream: boolean
}

/** `rootless stats [CONTAINER...]`: what each uses, from its own cgroup, once or every second. Unknown stays unknown. */
export async function stats(names: readonly string[], words: StatsWords, io: Io): Promise<number> {
  await becomeOwner(words.user, '--user', io)
  const containers = names.length === 0 ? await listRunning(words, io) : await findAll(names, words)
  if (!words.stream) {
    const samples = await sampleAll(containers, new Map(), io)
    io.out.write(words.format === 'json' ? `${JSON.stringify(samples, undefined, 2)}\n` : `${toText(samples, io)}\n`)
    return EXIT.fine
  }
  let before = new Map<string, StatsSample>()
  while (!io.signal.aborted) {
    const samples = await sampleAll(containers, before, io)
    if (samples.length === 0) return EXIT.fine
    before = new Map(samples.map((sample) => [sample.id, sample]))
    write(samples, words, io)
    await sleep(PERIOD_MS, undefined, { signal: io.signal }).catch(() => {})
  }
  return EXIT.fine
}

/** On a terminal in one place; else one block below the other, or a line of JSON for each sample. */
function write(samples: readonly StatsSample[], words: StatsWords, io: Io): void {
  if (words.format === 'json') for (const sample of samples) io.out.write(`${JSON.stringify(sample)}\n`)
  else io.out.write(`${io.out.isTerminal ? '\u001b[H\u001b[J' : ''}${toText(samples, io)}\n`)
}

function toText(samples: readonly StatsSample[], io: Io): string {
  return renderStats(samples, toStyle(io.out, io.environment))
}

async function findAll(names: readonly string[], words: StatsWords): Promise<readonly Container[]> {
  const containers = await Promise.all(names.map((name) => findContainer(name, words)))
  return [...new Map(containers.map((container) => [container.id, container])).values()]
}

async function listRunning(words: StatsWords, io: Io): Promise<readonly Container[]> {
  const answers = await askEngines(await openEngines(words), words, async ({ containers }) => {
    const states = await containers.list({ signal: io.signal })
    const running = states.filter(({ status }) => status === 'running' || status === 'paused')
    return Promise.all(running.map(({ id }) => containers.get(id, { signal: io.signal })))
  })
  for (const { answer } of answers) {
    if (answer.status === 'unknown') io.error.write(`rootless: ${printable(answer.reason)}\n`)
  }
  return answers.flatMap(({ answer }) => (answer.status === 'answered' ? answer.value : []))
}

/** One that has ended in the meantime has no sample. */
async function sampleAll(
  containers: readonly Container[],
  before: ReadonlyMap<string, StatsSample>,
  io: Io,
): Promise<readonly StatsSample[]> {
  const samples = await Promise.all(
    containers.map(async ({ engine, id, name, stats: read }): Promise<readonly StatsSample[]> => {
      try {
        const time = new Date()
        const figures = await read({ signal: io.signal })
        return [{ time, engine, id, name, cpus: toCpus(figures, time, before.get(id)), stats: figures }]
      } catch (error) {
        if (error instanceof RootlessError && ['CONTAINER_NOT_FOUND', 'NOT_RUNNING', 'ABORTED'].includes(error.code)) return []
        throw error
      }
    }),
  )
  return samples.flat()
}

/** Processors used since the sample before: 1.5 is one and a half. `null` without one. */
function toCpus(figures: ContainerStats, time: Date, before: StatsSample | undefined): number | null {
  const now = knownValue(figures.cpuMicroseconds)
  const then = before && knownValue(before.stats.cpuMicroseconds)
  if (before === undefined || now === undefined || then === undefined) return null
  const elapsedMicroseconds = (time.getTime() - before.time.getTime()) * 1000
  return elapsedMicroseconds <= 0 ? null : Math.max(0, now - then) / elapsedMicroseconds
}

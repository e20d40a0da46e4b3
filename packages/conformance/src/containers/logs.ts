import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { collectLog, toText } from './collect.ts'
import { expectCode } from './expect-code.ts'

const RUNS = 50
const TOGETHER = 5

/** A container that has run this script to its end. */
async function ended(bench: Bench, script: string) {
  const container = await bench.run({ command: ['sh', '-c', script] })
  await container.wait()
  return container
}

/** What a command wrote, afterwards and while it writes. */
export const LOGS = {
  'logs-ended': behaviour('the log of an ended container is whole, in its order', async (bench) => {
    const container = await ended(bench, 'for n in $(seq 1 200); do echo line $n; done')
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index + 1}\n`)
    expect(toText(await collectLog(container))).toBe(lines.join(''))
  }),
  'logs-apart': behaviour('the log knows stdout and stderr apart', async (bench) => {
    const container = await ended(bench, 'echo out; echo err >&2; echo more')
    const entries = await collectLog(container)
    expect([toText(entries, 'stdout'), toText(entries, 'stderr')]).toEqual(['out\nmore\n', 'err\n'])
  }),
  'logs-first-line': behaviour(
    'the first line is never lost, however soon a command ends',
    async (bench) => {
      const lost: string[] = []
      for (let run = 0; run < RUNS; run += TOGETHER) {
        const batch = Array.from({ length: TOGETHER }, async (_, index) => {
          const { stdout } = await bench.say(`echo first ${run + index}`)
          if (stdout !== `first ${run + index}\n`) lost.push(`${run + index}: ${JSON.stringify(stdout)}`)
        })
        await Promise.all(batch)
      }
      expect(lost).toEqual([])
    },
    { timeoutMs: 300_000 },
  ),
  'logs-first-line-read-later': behaviour('the first line is in the log of a container that has ended at once', async (bench) => {
    const texts = await Promise.all([1, 2, 3, 4, 5].map(async (n) => toText(await collectLog(await ended(bench, `echo ${n}`)))))
    expect(texts).toEqual(['1\n', '2\n', '3\n', '4\n', '5\n'])
  }),
  'logs-tail': behaviour('the last lines alone can be had', async (bench) => {
    const container = await ended(bench, 'for n in $(seq 1 50); do echo line $n; done')
    expect(toText(await collectLog(container, { tailLines: 2 }))).toBe('line 49\nline 50\n')
  }),
  'logs-tail-more': behaviour('more last lines than there are is the whole log', async (bench) => {
    const container = await ended(bench, 'echo one; echo two')
    expect(toText(await collectLog(container, { tailLines: 100 }))).toBe('one\ntwo\n')
  }),
  'logs-since': behaviour('lines from a time on can be had', async (bench) => {
    const container = await ended(bench, 'echo early; sleep 3; echo late')
    const { endedAt } = await container.inspect()
    const since = new Date((endedAt?.getTime() ?? 0) - 1500)
    expect(toText(await collectLog(container, { since }))).toBe('late\n')
  }),
  'logs-times': behaviour('lines carry the time of this host, where the engine tells it', async (bench) => {
    const container = await ended(bench, 'echo timed')
    const times = (await collectLog(container)).flatMap(({ time }) => (time === null ? [] : [time.getTime()]))
    expect(times.every((time) => Math.abs(time - Date.now()) < 120_000)).toBe(true)
  }),
  'logs-follow-end': behaviour('a followed log ends with its container', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo one; sleep 1; echo two; sleep 1; echo three'] })
    expect(toText(await collectLog(container, { follow: true }))).toBe('one\ntwo\nthree\n')
    expect((await container.wait()).exitCode).toBe(0)
  }),
  'logs-follow-ended': behaviour('following the log of an ended container gives it and ends', async (bench) => {
    const container = await ended(bench, 'echo all')
    expect(toText(await collectLog(container, { follow: true }))).toBe('all\n')
  }),
  'logs-follow-live': behaviour('a followed log gives lines while the command runs', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo early; exec sleep 1000'] })
    for await (const { data } of container.logs({ follow: true })) {
      expect(Buffer.from(data).toString()).toBe('early\n')
      break
    }
    expect((await container.inspect()).status).toBe('running')
  }),
  'logs-not-followed': behaviour('a log that is not followed ends at what there is', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo here; exec sleep 1000'] })
    await sleep(1000)
    expect(toText(await collectLog(container))).toBe('here\n')
  }),
  'logs-binary': behaviour('a log keeps every byte value', async (bench) => {
    const container = await ended(bench, 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i+1)); done')
    const bytes = Buffer.concat((await collectLog(container)).map(({ data }) => data))
    expect([...bytes]).toEqual(Array.from({ length: 256 }, (_, byte) => byte))
  }),
  'logs-long-line': behaviour('a line of 100,000 characters is whole', async (bench) => {
    const container = await ended(bench, 'head -c 100000 /dev/zero | tr "\\0" x; echo; echo next')
    expect(toText(await collectLog(container))).toBe(`${'x'.repeat(100_000)}\nnext\n`)
  }),
  'logs-no-last-newline': behaviour('a last line without its end is kept as it is', async (bench) => {
    expect(toText(await collectLog(await ended(bench, 'printf "no end"')))).toBe('no end')
  }),
  'logs-empty': behaviour('the log of a command that says nothing is empty', async (bench) => {
    expect(await collectLog(await ended(bench, 'true'))).toEqual([])
    expect(await collectLog(await bench.create())).toEqual([])
  }),
  'logs-two-runs': behaviour('the log of a container that ran twice has both runs', async (bench) => {
    const container = await ended(bench, 'echo run')
    await container.start()
    await container.wait()
    expect(toText(await collectLog(container))).toBe('run\nrun\n')
  }),
  'logs-without-exec': behaviour('what commands inside write is not in the log', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo own; exec sleep 1000'] })
    await container.exec(['echo', 'inside'])
    expect(toText(await collectLog(container))).toBe('own\n')
  }),
  'logs-removed': behaviour('the log of a removed container is CONTAINER_NOT_FOUND', async (bench) => {
    const container = await ended(bench, 'echo gone')
    await container.remove()
    await expectCode('CONTAINER_NOT_FOUND', collectLog(container))
  }),
}

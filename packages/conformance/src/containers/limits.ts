import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, LimitName, Limits } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour, type Behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'

const MEBIBYTE = 1024 * 1024

const ASKED: Readonly<Record<LimitName, Limits>> = {
  memory: { memoryBytes: 64 * MEBIBYTE },
  cpu: { cpus: 0.25 },
  pids: { pids: 20 },
  io: { ioWeight: 100 },
  cpuset: { cpuset: '0' },
}

function isUnsupported(bench: Bench, limit: LimitName): boolean {
  return bench.capabilities.cgroup.limits[limit].status === 'unsupported'
}

/** A running container with this limit; where it cannot be kept, the refusal is proved and there is none. */
async function runLimited(bench: Bench, limit: LimitName, script: string): Promise<Container | null> {
  const options = { limits: ASKED[limit], command: ['sh', '-c', script] }
  if (!isUnsupported(bench, limit)) return bench.run(options)
  await expectCode('LIMIT_NOT_ENFORCED', bench.run(options))
  expect(await bench.left()).toEqual([])
  return null
}

function promise(limit: LimitName): Behaviour {
  const sentence = `a limit of ${limit} is applied, or is LIMIT_NOT_ENFORCED before anything is made`
  return behaviour(sentence, async (bench) => {
    const before = await bench.left()
    if (isUnsupported(bench, limit)) {
      const error = await expectCode('LIMIT_NOT_ENFORCED', bench.run({ limits: ASKED[limit] }))
      expect(error.evidence ?? '').not.toBe('')
      await expectCode('LIMIT_NOT_ENFORCED', bench.create({ limits: ASKED[limit] }))
      return expect(await bench.left()).toEqual(before)
    }
    const container = await bench.run({ limits: ASKED[limit] })
    expect(container.limits.filter((each) => each.limit === limit)).not.toEqual([])
    expect(container.limits.map(({ status }) => status)).not.toContain('not-applied')
  })
}

function warning(limit: LimitName): Behaviour {
  const sentence = `a limit of ${limit} that is only wished for never stops a container, and is told as it is`
  return behaviour(sentence, async (bench) => {
    const container = await bench.run({ limits: { ...ASKED[limit], ifUnenforceable: 'warn' } })
    expect((await container.inspect()).status).toBe('running')
    const verdicts = container.limits.filter((each) => each.limit === limit)
    expect(verdicts.length).toBeGreaterThan(0)
    expect(verdicts.every(({ asked, evidence }) => asked !== '' && evidence !== '')).toBe(true)
    if (isUnsupported(bench, limit)) expect(verdicts.map(({ status }) => status)).toEqual(verdicts.map(() => 'not-applied'))
  })
}

function refused(title: string, limits: readonly Limits[]): Behaviour {
  return behaviour(`${title} is INVALID_ARGUMENT, and nothing is left`, async (bench) => {
    for (const each of limits) {
      await expectCode('INVALID_ARGUMENT', bench.run({ limits: each }))
      await expectCode('INVALID_ARGUMENT', bench.run({ limits: { ...each, ifUnenforceable: 'warn' } }))
    }
    expect(await bench.left()).toEqual([])
  })
}

/** Limits are promises. */
export const LIMITS = {
  'limit-memory': promise('memory'),
  'limit-cpu': promise('cpu'),
  'limit-pids': promise('pids'),
  'limit-io': promise('io'),
  'limit-cpuset': promise('cpuset'),
  'limit-memory-warn': warning('memory'),
  'limit-cpu-warn': warning('cpu'),
  'limit-pids-warn': warning('pids'),
  'limit-io-warn': warning('io'),
  'limit-cpuset-warn': warning('cpuset'),
  'limit-none': behaviour('a container without limits says nothing of limits', async (bench) => {
    expect((await bench.run()).limits).toEqual([])
  }),
  'limit-to-end': behaviour('running to the end tells which limits held', async (bench) => {
    const limits: Limits = { ...ASKED.memory, ...ASKED.pids, ifUnenforceable: 'warn' }
    const ran = await bench.say('true', { limits })
    expect(new Set(ran.limits.map(({ limit }) => limit))).toEqual(new Set(['memory', 'pids']))
  }),
  'limit-restart': behaviour('limits hold after a second start too, where they are kept', async (bench) => {
    const container = await runLimited(bench, 'memory', 'exec sleep 1000')
    if (container === null) return
    await container.stop({ timeoutMs: 500 })
    await container.start()
    expect(container.limits.filter(({ limit }) => limit === 'memory').map(({ status }) => status)).toContain('applied')
  }),
  'limit-memory-bites': behaviour(
    'who takes more memory than the limit is killed, and it is known, where limits are kept',
    async (bench) => {
      // The shell execs into the eater: the first process itself is the one that is killed.
      const container = await runLimited(bench, 'memory', 'exec tail -c 300000000 /dev/zero')
      if (container === null) return
      const end = await container.wait()
      expect(end).toMatchObject({ exitCode: 137, outOfMemory: { status: 'known', value: true } })
    },
  ),
  'limit-memory-bites-child': behaviour('a child killed for memory is known too, where limits are kept', async (bench) => {
    const container = await runLimited(bench, 'memory', 'tail -c 300000000 /dev/zero >/dev/null; echo $?; exit 0')
    if (container === null) return
    expect(await container.wait()).toMatchObject({ exitCode: 0, outOfMemory: { status: 'known', value: true } })
  }),
  'limit-pids-bites': behaviour('a fork bomb is stopped, where limits are kept', async (bench) => {
    const container = await runLimited(bench, 'pids', '(for n in $(seq 1 60); do sleep 1000 & done); exec sleep 1000')
    if (container === null) return
    await sleep(3000)
    const { pid } = await container.inspect()
    const children = await bench.machine.readText(`/proc/${pid}/task/${pid}/children`)
    const count = children.status === 'ok' ? children.value.trim().split(' ').length : Number.NaN
    expect(count).toBeGreaterThan(5)
    expect(count).toBeLessThan(20)
  }),
  'limit-cpu-bites': behaviour('a busy loop gets its share of a processor and no more, where limits are kept', async (bench) => {
    const container = await runLimited(bench, 'cpu', 'while :; do :; done')
    if (container === null) return
    const read = async (): Promise<number> => {
      const { cpuMicroseconds } = await container.stats()
      return cpuMicroseconds.status === 'known' ? cpuMicroseconds.value : Number.NaN
    }
    const [before, started] = [await read(), performance.now()]
    await sleep(3000)
    const share = ((await read()) - before) / 1000 / (performance.now() - started)
    expect(share).toBeLessThan(0.4)
  }),
  'limit-numbers': refused('a limit that is no number', [
    { memoryBytes: Number.NaN },
    { cpus: Number.NaN },
    { pids: Number.NaN },
    { memoryBytes: Infinity },
    { cpus: Infinity },
  ]),
  'limit-negative': refused('a negative limit', [{ memoryBytes: -1 }, { cpus: -0.5 }, { pids: -1 }, { ioWeight: -1 }]),
  'limit-too-small': refused('a limit that nothing could keep', [
    { memoryBytes: 1 },
    { memoryBytes: 0 },
    { cpus: 0 },
    { pids: 0 },
    { ioWeight: 5 },
    { ioWeight: 1001 },
  ]),
  'limit-fractions': refused('a fraction of a byte or of a process', [{ memoryBytes: 64_000_000.5 }, { pids: 2.5 }]),
  'limit-swap-alone': refused('a limit of swap without one of memory', [{ swapBytes: 64 * MEBIBYTE }]),
  'limit-cpuset-rubbish': refused('a list of processors that is none', [
    { cpuset: '' },
    { cpuset: 'all' },
    { cpuset: '0,' },
    { cpuset: '-1' },
  ]),
}

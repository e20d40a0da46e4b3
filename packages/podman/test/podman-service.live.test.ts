import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { collect, openLiveDriver, openLivePodman, type LivePodman } from './podman-live.ts'
import { execOf } from './podman-plans.ts'

let podman: LivePodman

beforeAll(async () => {
  podman = await openLivePodman()
})

afterAll(async () => {
  await podman[Symbol.asyncDispose]()
})

describe('our own service', { timeout: 120_000 }, () => {
  const folder = join(process.env['XDG_RUNTIME_DIR'] ?? '', 'rootless-runtime')
  const socketsOf = (pid: number | undefined): readonly string[] =>
    readdirSync(folder).filter((name) => name.startsWith(`podman-${pid}-`))
  const servicesOf = (pid: number | undefined): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/u.test(name) && readCommandLine(name).includes(`rootless-runtime/podman-${pid}-`))
      .map(Number)

  test('outlives its own idle time while we live, and ends soon after we are killed, with nothing left', async () => {
    const file = join(import.meta.dirname, 'open-and-hold.ts')
    const holder = spawn(process.execPath, ['--conditions=@rootless-runtime/source', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    await pause(12_000)
    expect(servicesOf(holder.pid)).toHaveLength(1)
    holder.kill('SIGKILL')
    await pause(7000)
    expect([servicesOf(holder.pid), socketsOf(holder.pid)]).toEqual([[], []])
  })

  test('that is killed in the middle is ENGINE_GONE for whoever waits, and is there again for the next', async () => {
    const before = new Set(servicesOf(process.pid))
    const other = await openLiveDriver()
    await using container = await podman.start()
    const command = await other.containers.exec(container.id, execOf(['sh', '-c', 'echo on; sleep 100']), {})
    await once(command.stdout, 'data')
    const waiting = other.containers.wait(container.id, {})
    const logging = collect(other.containers.logs(container.id, { follow: true }))
    const listening = collect(other.containers.events({}))
    const all = [command.ended, waiting, logging, listening].map((each) =>
      expect(each).rejects.toMatchObject({ code: 'ENGINE_GONE' }),
    )
    await pause(500)
    const started = performance.now()
    for (const pid of servicesOf(process.pid)) if (!before.has(pid)) process.kill(pid, 'SIGKILL')
    await Promise.all(all)
    expect(performance.now() - started).toBeLessThan(2000)
    expect(await other.containers.inspect(container.id, {})).toMatchObject({ status: 'running' })
  })
})

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

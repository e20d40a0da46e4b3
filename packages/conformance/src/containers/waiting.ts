import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'
import { askWeb } from './outside.ts'

const SLOW_SERVER = ['sh', '-c', 'sleep 1; exec httpd -f -p 8080 -h /srv']
const HEALTHCHECK = { command: ['test', '-e', '/tmp/healthy'], intervalMs: 200 }

/** Waiting until a container is of use, and asking whether it is. */
export const WAITING = {
  'wait-for-log': behaviour('a line of the log can be waited for', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'sleep 1; echo now it is ready; exec sleep 1000'] })
    await container.waitFor({ log: 'is ready' })
    await container.waitFor({ log: /^now .* ready$/u })
  }),
  'wait-for-log-stderr': behaviour('a line of stderr can be waited for', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo ready >&2; exec sleep 1000'] })
    await container.waitFor({ log: 'ready' })
  }),
  'wait-for-log-pieces': behaviour('a line that comes in pieces is found', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'printf rea; sleep 1; echo dy; exec sleep 1000'] })
    await container.waitFor({ log: 'ready' })
  }),
  'wait-for-port': behaviour('a published port can be waited for', async (bench) => {
    const container = await bench.run({ network: 'default', command: SLOW_SERVER, ports: [{ container: 8080 }] })
    await container.waitFor({ port: 8080 })
    expect(await askWeb(bench.machine, '127.0.0.1', container.port(8080).host)).toContain('served by busybox')
  }),
  'wait-for-port-unpublished': behaviour('waiting for a port that is not published is INVALID_ARGUMENT', async (bench) => {
    await expectCode('INVALID_ARGUMENT', (await bench.shared()).waitFor({ port: 8080 }, { timeoutMs: 2000 }))
  }),
  'wait-for-probe': behaviour('an own question is asked until it says yes', async (bench) => {
    const container = await bench.run()
    let asked = 0
    await container.waitFor({ probe: async (same) => (asked += 1) >= 3 && same.id === container.id })
    expect(asked).toBe(3)
  }),
  'wait-for-timeout': behaviour('what does not come within its time is TIMEOUT', async (bench) => {
    const container = await bench.run()
    const started = performance.now()
    await expectCode('TIMEOUT', container.waitFor({ log: 'never' }, { timeoutMs: 1000 }))
    await expectCode('TIMEOUT', container.waitFor({ probe: async () => false }, { timeoutMs: 1000 }))
    expect(performance.now() - started).toBeLessThan(10_000)
    expect((await container.inspect()).status).toBe('running')
  }),
  'wait-for-ended': behaviour('waiting for something of a container that ends is NOT_RUNNING', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'sleep 1; exit 3'] })
    await expectCode('NOT_RUNNING', container.waitFor({ log: 'never' }, { timeoutMs: 20_000 }))
    await expectCode('NOT_RUNNING', container.waitFor({ probe: async () => false }, { timeoutMs: 20_000 }))
  }),
  'health-answers': behaviour('the healthcheck says healthy or unhealthy', async (bench) => {
    const container = await bench.run({ healthcheck: HEALTHCHECK })
    const before = await container.health()
    expect(before.status).toBe('unhealthy')
    if (before.status === 'unhealthy') expect(before.reason).not.toBe('')
    await container.exec(['touch', '/tmp/healthy'])
    expect(await container.health()).toEqual({ status: 'healthy' })
  }),
  'health-wait': behaviour('health can be waited for', async (bench) => {
    const container = await bench.run({ healthcheck: HEALTHCHECK })
    await Promise.all([container.waitFor({ healthy: true }), sleep(1000).then(() => container.exec(['touch', '/tmp/healthy']))])
    expect((await container.health()).status).toBe('healthy')
  }),
  'health-wait-timeout': behaviour('health that does not come is TIMEOUT', async (bench) => {
    const container = await bench.run({ healthcheck: HEALTHCHECK })
    await expectCode('TIMEOUT', container.waitFor({ healthy: true }, { timeoutMs: 1000 }))
  }),
  'health-slow': behaviour('a healthcheck that takes too long is unhealthy', async (bench) => {
    const container = await bench.run({ healthcheck: { command: ['sleep', '30'], timeoutMs: 500 } })
    const started = performance.now()
    expect((await container.health()).status).toBe('unhealthy')
    expect(performance.now() - started).toBeLessThan(10_000)
  }),
  'health-none': behaviour('the health of a container without a healthcheck is unknown', async (bench) => {
    expect((await (await bench.shared()).health()).status).toBe('unknown')
  }),
  'health-found': behaviour('a container that was found has the healthcheck that it was made with', async (bench) => {
    const { id } = await bench.run({ healthcheck: HEALTHCHECK })
    expect((await (await bench.runtime.containers.get(id)).health()).status).toBe('unhealthy')
  }),
}

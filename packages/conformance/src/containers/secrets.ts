import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { collectLog, toText } from './collect.ts'
import { expectCode } from './expect-code.ts'

const PASSWORD = 'correct-horse-battery-staple'

/** Secrets: files inside, and nowhere else. */
export const SECRETS = {
  'secret-file': behaviour('a secret is a file inside', async (bench) => {
    const secrets = { password: PASSWORD, 'key.bin': Uint8Array.of(0, 255, 10, 13) }
    const ran = await bench.say('cat /run/secrets/password; echo; od -An -tx1 /run/secrets/key.bin', { secrets })
    expect(ran.stdout.trim().split(/\s+/u)).toEqual([PASSWORD, '00', 'ff', '0a', '0d'])
  }),
  'secret-in-memory': behaviour('a secret lies in memory only', async (bench) => {
    const ran = await bench.say('stat -f -c %T /run/secrets/password', { secrets: { password: PASSWORD } })
    expect(ran.stdout.trim()).toBe('tmpfs')
  }),
  'secret-owner': behaviour('a secret can be read by the user of the container, and by nobody else', async (bench) => {
    const container = await bench.run({ secrets: { password: PASSWORD }, user: '1000' })
    expect(await container.exec(['cat', '/run/secrets/password'])).toMatchObject({ exitCode: 0, stdout: PASSWORD })
    expect((await container.exec(['cat', '/run/secrets/password'], { user: '2000' })).exitCode).not.toBe(0)
  }),
  'secret-not-told': behaviour('a secret is in no inspect, no environment, no argument and no log', async (bench) => {
    const container = await bench.run({ secrets: { password: PASSWORD } })
    const [state, listed] = [await container.inspect(), await bench.runtime.containers.list({ everyone: true })]
    expect(JSON.stringify([state, listed])).not.toContain(PASSWORD)
    const script = 'cat /proc/1/cmdline /proc/1/environ; env; cat /proc/mounts'
    expect((await container.exec(['sh', '-c', script])).stdout).not.toContain(PASSWORD)
    expect(toText(await collectLog(container))).not.toContain(PASSWORD)
    const { pid } = state
    expect(JSON.stringify(await bench.machine.readText(`/proc/${pid}/cmdline`))).not.toContain(PASSWORD)
  }),
  'secret-restart': behaviour('a secret is there again after a second start', async (bench) => {
    const container = await bench.run({ command: ['cat', '/run/secrets/password'], secrets: { password: PASSWORD } })
    await container.wait()
    await container.start()
    await container.wait()
    expect(toText(await collectLog(container))).toBe(PASSWORD + PASSWORD)
  }),
  'secret-name-invalid': behaviour('a name that no file can have is INVALID_ARGUMENT, and nothing is left', async (bench) => {
    for (const name of ['', '.', '..', '../up', 'a/b', 'zero\0byte']) {
      const error = await expectCode('INVALID_ARGUMENT', bench.run({ secrets: { [name]: PASSWORD } }))
      expect(error.message).not.toContain(PASSWORD)
    }
    expect(await bench.left()).toEqual([])
  }),
}

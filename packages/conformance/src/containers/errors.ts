import { ENGINE_TITLES, RootlessError } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'

/** What an error says, whatever it is about. */
export const ERRORS = {
  'error-names-engine': behaviour('an error of an engine names it', async (bench) => {
    const { containers, images, engine } = bench.runtime
    const errors = [
      await expectCode('CONTAINER_NOT_FOUND', containers.get(`${bench.mark}-unknown`)),
      await expectCode('IMAGE_NOT_FOUND', images.inspect(`${bench.mark}-unknown:latest`)),
      await expectCode('COMMAND_NOT_FOUND', bench.run({ command: ['no-such-command'] })),
      await expectCode('NOT_RUNNING', (await bench.create()).exec(['true'])),
    ]
    expect(errors.map((error) => error.engine)).toEqual(errors.map(() => engine))
    expect(Object.keys(ENGINE_TITLES)).toContain(engine)
  }),
  'error-names-asked': behaviour('an error names what was asked for', async (bench) => {
    const missing = `${bench.mark}-unknown`
    const container = await expectCode('CONTAINER_NOT_FOUND', bench.runtime.containers.get(missing))
    const image = await expectCode('IMAGE_NOT_FOUND', bench.create({ image: `${missing}:latest` }))
    const command = await expectCode('COMMAND_NOT_FOUND', bench.run({ command: ['no-such-command'] }))
    const mount = await expectCode('MOUNT_NOT_FOUND', bench.run({ mounts: [{ source: '/no/such/place', target: '/data' }] }))
    expect([container.message, image.message]).toEqual([expect.stringContaining(missing), expect.stringContaining(missing)])
    expect(command.message).toContain('no-such-command')
    expect(mount.message).toContain('/no/such/place')
  }),
  'error-hides-environment': behaviour('an error shows no value of the environment', async (bench) => {
    const environment = { TOKEN: 'very-private-token' }
    const error = await expectCode('COMMAND_NOT_FOUND', bench.run({ command: ['no-such-command'], environment }))
    expect(JSON.stringify([error.message, error.evidence, error.fix])).not.toContain('very-private-token')
  }),
  'error-is-ours': behaviour('every failure is an error of ours, with a stack', async (bench) => {
    const error = await expectCode('IMAGE_NOT_FOUND', bench.runtime.images.remove(`${bench.mark}-unknown:latest`))
    expect(error).toBeInstanceOf(RootlessError)
    expect(error.stack).toContain('RootlessError')
  }),
}

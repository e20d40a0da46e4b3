import { RootlessError, type CommandAnswer } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { applySetup, type StepProgress } from '../src/setup/apply-setup.ts'
import { planSetup } from '../src/setup/plan-setup.ts'
import { readSetupState } from '../src/setup/read-setup-state.ts'
import type { SetupAction, SetupPlan, SetupStep } from '../src/setup/setup-plan.ts'
import { stopSetup } from '../src/setup/stop-setup.ts'
import { READY, SUCCESS, USER, createFakeSystem } from './setup-fixtures.ts'

function failure(exitCode: number, stderr: string): CommandAnswer {
  return { status: 'exited', exitCode, stdout: '', stderr }
}

function step(id: SetupStep['id'], state: SetupStep['state'], ...actions: readonly SetupAction[]): SetupStep {
  return { id, title: `the step ${id}`, why: 'why', needsRoot: true, undo: 'undo', state, actions }
}

function planOf(...steps: readonly SetupStep[]): SetupPlan {
  return { supportedDistribution: true, engines: ['docker'], user: USER, systemd: false, steps }
}

const touch = (name: string, as: 'root' | 'user' = 'root'): SetupAction => ({ kind: 'run', as, command: ['touch', name] })

async function toError(pending: Promise<unknown>): Promise<RootlessError> {
  const error = await pending.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (error instanceof RootlessError) return error
  throw new Error(`no RootlessError but ${String(error)}`)
}

describe('applying a plan', () => {
  test('runs the needed steps in order and only those', async () => {
    const system = createFakeSystem(0, () => SUCCESS)
    const progress: [string, StepProgress][] = []
    const plan = planOf(
      step('packages', 'done', touch('a')),
      step('user', 'needed', touch('b'), touch('c')),
      step('devices', 'manual', touch('d')),
      step('linger', 'needed', touch('e')),
    )
    const result = await applySetup(system, plan, { onStep: ({ id }, where) => progress.push([id, where]) })
    expect(system.commands.map((command) => command.arguments.at(-1))).toEqual(['b', 'c', 'e'])
    expect(result).toMatchObject({ applied: ['user', 'linger'], alreadyDone: ['packages'], manual: [{ id: 'devices' }] })
    expect(progress).toEqual([
      ['packages', 'already-done'],
      ['user', 'started'],
      ['user', 'finished'],
      ['devices', 'manual'],
      ['linger', 'started'],
      ['linger', 'finished'],
    ])
  })

  test('stops at the step that fails, and says which, how and with what words', async () => {
    const system = createFakeSystem(0, (words) =>
      words.includes('b') ? failure(100, 'E: Unable to locate package\u001b[31m') : SUCCESS,
    )
    const error = await toError(
      applySetup(system, planOf(step('packages', 'needed', touch('a'), touch('b')), step('user', 'needed', touch('c')))),
    )
    expect(error.code).toBe('HOST_REFUSED')
    for (const words of ['"packages"', '`touch b`', 'exited with 100', 'E: Unable to locate package', 'run setup again'])
      expect(error.message).toContain(words)
    expect(error.message).not.toContain('\u001b')
    expect(system.commands).toHaveLength(2)
  })

  test('keeps the end of endless words', async () => {
    const system = createFakeSystem(0, () => failure(1, `${'noise '.repeat(100_000)}the cause`))
    const error = await toError(applySetup(system, planOf(step('packages', 'needed', touch('a')))))
    expect(error.message).toContain('the cause')
    expect(error.message.length).toBeLessThan(1500)
  })

  test('as root becomes the user by number, with a clean environment; as the user does not', async () => {
    const plan = planOf(step('storage-conf', 'needed', touch('a', 'user')))
    const root = createFakeSystem(0, () => SUCCESS)
    await applySetup(root, plan)
    expect(root.commands[0]).toMatchObject({
      file: '/usr/bin/setpriv',
      arguments: expect.arrayContaining(['--reuid=1000', '--regid=1000', '--ignore-environment', 'HOME=/home/moby']),
    })
    const own = createFakeSystem(1000, () => SUCCESS)
    await applySetup(own, plan)
    expect(own.commands[0]).toMatchObject({
      file: '/usr/bin/env',
      arguments: expect.arrayContaining(['--ignore-environment', 'XDG_RUNTIME_DIR=/run/user/1000']),
    })
  })

  test('hands a file over by standard input, never by a shell line', async () => {
    const system = createFakeSystem(0, () => SUCCESS)
    const content = '$(rm -rf /)\n'
    await applySetup(
      system,
      planOf(step('storage-conf', 'needed', { kind: 'write-file', as: 'user', path: '/home/moby/a', content, mode: 0o644 })),
    )
    expect(system.commands[0]?.input).toBe(content)
    expect(system.commands[0]?.arguments.filter((word) => word.includes('rm -rf'))).toEqual([])
    expect(system.commands[0]?.arguments.slice(-2)).toEqual(['/home/moby/a', '0644'])
  })

  test('gives the package manager a quarter of an hour and others a minute', async () => {
    const system = createFakeSystem(0, () => SUCCESS)
    await applySetup(
      system,
      planOf(
        step('packages', 'needed', { kind: 'run', as: 'root', command: ['apt-get', 'update'], timeoutMs: 900_000 }, touch('a')),
      ),
    )
    expect(system.commands.map(({ timeoutMs }) => timeoutMs)).toEqual([900_000, 60_000])
  })

  test('leaves out a command whose condition holds', async () => {
    const system = createFakeSystem(0, () => SUCCESS)
    await applySetup(
      system,
      planOf(
        step('user', 'needed', { kind: 'run', as: 'root', command: ['useradd', 'moby'], unless: ['getent', 'passwd', 'moby'] }),
      ),
    )
    expect(system.commands.map((command) => command.arguments.at(-3))).toEqual(['getent'])
  })

  test('gives up on a Docker that does not answer, and shows the end of its log, read as the user', async () => {
    const system = createFakeSystem(0, () => ({ ...SUCCESS, stdout: 'first\nopen: Permission denied\n' }))
    const wait: SetupAction = {
      kind: 'wait-for-docker',
      as: 'user',
      socketPath: '/run/user/1000/docker.sock',
      timeoutMs: 250,
      log: ['tail', 'docker.log'],
    }
    const error = await toError(applySetup(system, planOf(step('docker-service', 'needed', wait))))
    expect(error.message).toContain('/run/user/1000/docker.sock within 0.25 s')
    expect(error.message).toContain('open: Permission denied')
    expect(system.commands[0]?.file).toBe('/usr/bin/setpriv')
  })

  test('ends between two actions when it is interrupted', async () => {
    const controller = new AbortController()
    const system = createFakeSystem(0, () => {
      controller.abort()
      return SUCCESS
    })
    const error = await toError(
      applySetup(system, planOf(step('packages', 'needed', touch('a'), touch('b'))), { signal: controller.signal }),
    )
    expect(error.code).toBe('ABORTED')
    expect(system.commands).toHaveLength(1)
  })

  test('of a host that is ready runs nothing', async () => {
    const system = createFakeSystem(0, () => SUCCESS)
    const result = await applySetup(system, planSetup(READY))
    expect(system.commands).toEqual([])
    expect(result.applied).toEqual([])
  })
})

describe('reading', () => {
  test.each(['root', '-rf', 'a b', '$(id)', ''])('refuses the user name %j', async (userName) => {
    const system = createFakeSystem(0, () => failure(2, ''))
    expect((await toError(readSetupState(system, { userName, engines: ['docker'] }))).code).toBe('INVALID_ARGUMENT')
  })

  test('refuses another name of root', async () => {
    const system = createFakeSystem(0, () => ({ ...SUCCESS, stdout: 'toor:x:0:0::/root:/bin/sh\n' }))
    expect((await toError(readSetupState(system, { userName: 'toor', engines: ['docker'] }))).message).toContain('toor is root')
  })

  test('of an empty machine plans nothing blindly', async () => {
    const system = createFakeSystem(0, () => ({ status: 'absent', reason: 'no such program' }))
    const plan = planSetup(await readSetupState(system, { userName: 'moby', engines: ['docker', 'podman', 'lxc'] }))
    expect(plan.steps.filter(({ state }) => state === 'needed')).toEqual([])
  })
})

describe('stopping', () => {
  test('what does not run is no failure', async () => {
    const system = createFakeSystem(0, () => ({ ...SUCCESS, stdout: 'moby:x:1000:1000::/home/moby:/bin/sh\n' }))
    expect(await stopSetup(system, 'moby')).toEqual({ stopped: [], left: [] })
  })

  test('what belongs to another user is refused without root', async () => {
    const system = createFakeSystem(1001, () => ({ ...SUCCESS, stdout: 'moby:x:1000:1000::/home/moby:/bin/sh\n' }))
    expect((await toError(stopSetup(system, 'moby'))).code).toBe('INVALID_ARGUMENT')
  })
})

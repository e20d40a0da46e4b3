import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { expectCode } from './expect-code.ts'

/** Running a command to its end: exit codes, and what is known afterwards. */
export const RUN_AND_END = {
  'run-exit-zero': behaviour('a command that ends well has exit code 0', async (bench) => {
    expect(await bench.say('exit 0')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
  }),
  'run-exit-seven': behaviour('the exit code of a command is the answer, and no error', async (bench) => {
    expect(await bench.say('exit 7')).toMatchObject({ exitCode: 7 })
  }),
  'run-exit-reserved': behaviour('125, 126, 127 and 255 may be the own exit codes of a command', async (bench) => {
    for (const exitCode of [125, 126, 127, 255]) expect(await bench.say(`exit ${exitCode}`)).toMatchObject({ exitCode })
  }),
  'run-exit-killed': behaviour('a command whose child was killed can end with 137', async (bench) => {
    expect(await bench.say('sh -c "kill -KILL \\$\\$"; exit $?')).toMatchObject({ exitCode: 137 })
  }),
  'run-exit-terminated': behaviour('a command whose child was terminated can end with 143', async (bench) => {
    expect(await bench.say('sh -c "kill -TERM \\$\\$"; exit $?')).toMatchObject({ exitCode: 143 })
  }),
  'run-running': behaviour('a running container has a process of this host', async (bench) => {
    const state = await (await bench.shared()).inspect()
    expect(state).toMatchObject({ status: 'running', endedAt: null, exitCode: null })
    expect(state.startedAt).toBeInstanceOf(Date)
    expect(await bench.machine.readText(`/proc/${state.pid}/cmdline`)).toMatchObject({
      status: 'ok',
      value: expect.stringContaining('sleep 1000'),
    })
  }),
  'run-ended-state': behaviour('an ended container says when and how', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'exit 9'] })
    await container.wait()
    const state = await container.inspect()
    expect(state).toMatchObject({ status: 'ended', exitCode: 9, pid: null })
    expect(state.endedAt?.getTime()).toBeGreaterThanOrEqual(state.startedAt?.getTime() ?? Infinity)
    expect(Math.abs((state.endedAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
  }),
  'run-to-end-apart': behaviour('running to the end gives stdout and stderr apart', async (bench) => {
    expect(await bench.say('echo out; echo err >&2; exit 3')).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
  }),
  'run-to-end-removes': behaviour('running to the end leaves no container', async (bench) => {
    await bench.say('echo done')
    await bench.say('exit 4')
    expect(await bench.left()).toEqual([])
  }),
  'run-to-end-input': behaviour('running to the end gives a text to the command', async (bench) => {
    const { containers } = bench.runtime
    const options = bench.options({ command: ['sha256sum'] })
    const { stdout } = await containers.runToEnd({ ...options, input: 'abc' })
    expect(stdout).toMatch(/^ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/u)
  }),
  'run-to-end-unknown-memory': behaviour('a command that was not killed for memory is not said to be', async (bench) => {
    const { outOfMemory } = await bench.say('true')
    if (outOfMemory.status === 'known') expect(outOfMemory.value).toBe(false)
    else expect(outOfMemory.reason).not.toBe('')
  }),
  'run-to-end-too-much': behaviour('more output than is kept is OUTPUT_TOO_LARGE, and nothing is left', async (bench) => {
    const options = bench.options({ command: ['sh', '-c', 'yes | head -c 100000'] })
    await expectCode('OUTPUT_TOO_LARGE', bench.runtime.containers.runToEnd({ ...options, maximumOutputBytes: 1000 }))
    expect(await bench.left()).toEqual([])
  }),
  'run-command-missing': behaviour('a command that is not there is COMMAND_NOT_FOUND, and nothing is left', async (bench) => {
    await expectCode('COMMAND_NOT_FOUND', bench.run({ command: ['no-such-command'] }))
    await expectCode('COMMAND_NOT_FOUND', bench.run({ command: ['/bin/no-such-command', 'x'] }))
    expect(await bench.left()).toEqual([])
  }),
  'run-command-not-executable': behaviour(
    'a file that is no program is COMMAND_NOT_EXECUTABLE, and nothing is left',
    async (bench) => {
      await expectCode('COMMAND_NOT_EXECUTABLE', bench.run({ command: ['/srv/plain.txt'] }))
      expect(await bench.left()).toEqual([])
    },
  ),
  'run-command-folder': behaviour('a folder is no command: COMMAND_NOT_EXECUTABLE', async (bench) => {
    await expectCode('COMMAND_NOT_EXECUTABLE', bench.run({ command: ['/srv'] }))
    expect(await bench.left()).toEqual([])
  }),
  'run-to-end-command-missing': behaviour('running a missing command to the end is COMMAND_NOT_FOUND', async (bench) => {
    const options = bench.options({ command: ['no-such-command'] })
    await expectCode('COMMAND_NOT_FOUND', bench.runtime.containers.runToEnd(options))
    expect(await bench.left()).toEqual([])
  }),
  'start-command-missing': behaviour('a container whose command is missing does not start, and can be removed', async (bench) => {
    const made = bench.create({ command: ['no-such-command'] })
    await expectCode(
      'COMMAND_NOT_FOUND',
      made.then((container) => container.start()),
    )
    for (const name of await bench.left()) {
      const container = await bench.runtime.containers.get(name)
      expect((await container.inspect()).status).not.toBe('running')
      await container.remove()
    }
    expect(await bench.left()).toEqual([])
  }),
  'start-twice': behaviour('starting a running container is fine, and it is the same run', async (bench) => {
    const container = await bench.run()
    const { pid } = await container.inspect()
    await container.start()
    expect((await container.inspect()).pid).toBe(pid)
  }),
  'restart-files': behaviour('an ended container that is started again has its files', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo once >>/root/runs; exit $(wc -l </root/runs)'] })
    expect((await container.wait()).exitCode).toBe(1)
    await container.start()
    expect((await container.wait()).exitCode).toBe(2)
  }),
  'restart-state': behaviour('a container that is started again runs, without an exit code', async (bench) => {
    const container = await bench.run({
      command: ['sh', '-c', '[ -e /root/again ] && exec sleep 1000; touch /root/again; exit 6'],
    })
    expect((await container.wait()).exitCode).toBe(6)
    await container.start()
    expect(await container.inspect()).toMatchObject({ status: 'running', exitCode: null, endedAt: null })
    expect(await container.exec(['echo', 'again'])).toMatchObject({ stdout: 'again\n' })
  }),
  'wait-two-callers': behaviour('two callers that wait get the same answer', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'sleep 1; exit 8'] })
    const other = await bench.runtime.containers.get(container.id)
    const ends = await Promise.all([container.wait(), other.wait(), container.wait()])
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([8, 8, 8])
  }),
  'wait-after-end': behaviour('waiting for a container that has ended answers at once', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'exit 8'] })
    await container.wait()
    const started = performance.now()
    expect((await container.wait()).exitCode).toBe(8)
    expect(performance.now() - started).toBeLessThan(5000)
  }),
  'run-own-processes': behaviour('a container sees its own processes only, its command as the first', async (bench) => {
    const { stdout } = await (
      await bench.shared()
    ).exec(['sh', '-c', 'cat /proc/1/cmdline | tr "\\0" " "; ls -d /proc/[0-9]* | wc -l'])
    expect(stdout).toContain('sleep 1000')
    expect(Number(stdout.trim().split('\n').at(-1)?.split(' ').at(-1))).toBeLessThan(10)
  }),
  'run-no-new-privileges': behaviour('a command can gain no privileges, and its system calls are filtered', async (bench) => {
    const { stdout } = await bench.say('grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status')
    expect(stdout.replaceAll('\t', ' ').trim().split('\n')).toEqual(['NoNewPrivs: 1', 'Seccomp: 2'])
  }),
  'run-drop-capabilities': behaviour('capabilities that are taken away are gone', async (bench) => {
    const script = 'grep -E "^Cap(Eff|Prm|Bnd):" /proc/self/status'
    const { stdout } = await bench.say(script, { dropCapabilities: ['ALL'] })
    expect(stdout.replaceAll(/[A-Za-z:\s]/gu, '')).toMatch(/^0+$/u)
    const one = await bench.say('chown 1000 /srv/plain.txt', { dropCapabilities: ['CHOWN'] })
    expect(one.exitCode).not.toBe(0)
  }),
}

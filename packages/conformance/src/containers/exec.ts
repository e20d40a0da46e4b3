import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { collectProcess, eventually } from './collect.ts'
import { expectCode } from './expect-code.ts'

const NUMBERS = Array.from({ length: 60 }, (_, index) => index)
const TOGETHER = 20

/** Commands inside a running container. */
export const EXEC = {
  'exec-exit-zero': behaviour('a command inside that ends well has exit code 0', async (bench) => {
    expect(await (await bench.shared()).exec(['true'])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  }),
  'exec-exit-code': behaviour('the exit code of a command inside is an answer, whichever it is', async (bench) => {
    const container = await bench.shared()
    for (const exitCode of [1, 7, 125, 126, 127, 137, 143, 255]) {
      expect(await container.exec(['sh', '-c', `exit ${exitCode}`])).toMatchObject({ exitCode })
    }
  }),
  'exec-signal': behaviour('a command inside that a signal ended has 128 and its number', async (bench) => {
    expect(await (await bench.shared()).exec(['sh', '-c', 'kill -KILL $$'])).toMatchObject({ exitCode: 137 })
  }),
  'exec-apart': behaviour('stdout and stderr of a command inside come apart', async (bench) => {
    const ended = await (await bench.shared()).exec(['sh', '-c', 'echo out; echo err >&2'])
    expect(ended).toEqual({ exitCode: 0, stdout: 'out\n', stderr: 'err\n' })
  }),
  'exec-verbatim': behaviour('arguments of a command inside arrive as they were given', async (bench) => {
    const words = ['a b', `'"\`$HOME`, 'line\nbreak', '', '-x', '日本語', '*', '\\t']
    const { stdout } = await (await bench.shared()).exec(['sh', '-c', `printf '%s\\0' "$@"`, 'sh', ...words])
    expect(stdout.split('\0').slice(0, -1)).toEqual(words)
  }),
  'exec-environment': behaviour('a command inside has the environment of its container and its own', async (bench) => {
    const container = await bench.run({ environment: { OURS: 'of the container', BOTH: 'container' } })
    const environment = { BOTH: 'command', LINES: 'a\nb "c"' }
    const { stdout } = await container.exec(['sh', '-c', 'echo "$IMAGE_SAYS|$OURS|$BOTH|$LINES"'], { environment })
    expect(stdout).toBe('hello from the image|of the container|command|a\nb "c"\n')
  }),
  'exec-workdir': behaviour('a command inside works in the folder of its container, or in the one given', async (bench) => {
    const container = await bench.run({ workdir: '/var' })
    expect((await container.exec(['pwd'])).stdout).toBe('/var\n')
    expect((await container.exec(['pwd'], { workdir: '/tmp' })).stdout).toBe('/tmp\n')
  }),
  'exec-workdir-missing': behaviour('a workdir of a command inside that is not there is WORKDIR_NOT_FOUND', async (bench) => {
    await expectCode('WORKDIR_NOT_FOUND', (await bench.shared()).exec(['pwd'], { workdir: '/no/such/folder' }))
  }),
  'exec-user': behaviour('a command inside runs as the user of its container, or as the one given', async (bench) => {
    const container = await bench.run({ user: 'app' })
    expect((await container.exec(['id', '-u'])).stdout).toBe('1000\n')
    expect((await container.exec(['id', '-u'], { user: 'root' })).stdout).toBe('0\n')
    expect((await container.exec(['sh', '-c', 'id -u; id -g'], { user: '1234:5678' })).stdout).toBe('1234\n5678\n')
  }),
  'exec-user-unknown': behaviour('an unknown user of a command inside is USER_NOT_FOUND', async (bench) => {
    await expectCode('USER_NOT_FOUND', (await bench.shared()).exec(['id'], { user: 'nobody-knows' }))
  }),
  'exec-command-missing': behaviour('a command inside that is not there is COMMAND_NOT_FOUND', async (bench) => {
    const container = await bench.shared()
    await expectCode('COMMAND_NOT_FOUND', container.exec(['no-such-command']))
    await expectCode('COMMAND_NOT_FOUND', container.exec(['/bin/no-such-command', 'x']))
  }),
  'exec-command-not-executable': behaviour('a file inside that is no program is COMMAND_NOT_EXECUTABLE', async (bench) => {
    await expectCode('COMMAND_NOT_EXECUTABLE', (await bench.shared()).exec(['/srv/plain.txt']))
  }),
  'exec-command-empty': behaviour('no command is INVALID_ARGUMENT', async (bench) => {
    const container = await bench.shared()
    await expectCode('INVALID_ARGUMENT', container.exec([]))
  }),
  'exec-not-started': behaviour('a command in a container that was not started is NOT_RUNNING', async (bench) => {
    await expectCode('NOT_RUNNING', (await bench.create()).exec(['true']))
  }),
  'exec-ended': behaviour('a command in a container that has ended is NOT_RUNNING', async (bench) => {
    const container = await bench.run({ command: ['true'] })
    await container.wait()
    await expectCode('NOT_RUNNING', container.exec(['true']))
  }),
  'exec-stdin-empty': behaviour('a command inside without input finds its stdin empty', async (bench) => {
    expect(await (await bench.shared()).exec(['sh', '-c', 'wc -c; echo ended'])).toMatchObject({ stdout: '0\nended\n' })
  }),
  'exec-input': behaviour('a text is the input of a command inside', async (bench) => {
    expect(await (await bench.shared()).exec(['cat'], { input: 'a text\n' })).toMatchObject({ stdout: 'a text\n' })
  }),
  'exec-too-much': behaviour('more output than is kept is OUTPUT_TOO_LARGE, and the container goes on', async (bench) => {
    const container = await bench.shared()
    await expectCode('OUTPUT_TOO_LARGE', container.exec(['sh', '-c', 'yes | head -c 100000'], { maximumOutputBytes: 1000 }))
    expect(await container.exec(['echo', 'on'])).toMatchObject({ stdout: 'on\n' })
  }),
  'exec-many': behaviour(
    'sixty commands inside, twenty at a time, each have their own answer',
    async (bench) => {
      const container = await bench.shared()
      const waiting = [...NUMBERS]
      const answers = new Map<number, string>()
      const work = async (): Promise<void> => {
        for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
          const { exitCode, stdout, stderr } = await container.exec([
            'sh',
            '-c',
            `echo out ${number}; echo err ${number} >&2; exit ${number}`,
          ])
          answers.set(number, `${exitCode} ${stdout}${stderr}`)
        }
      }
      await Promise.all(Array.from({ length: TOGETHER }, work))
      const expected = NUMBERS.map((number) => `${number} out ${number}\nerr ${number}\n`)
      expect(NUMBERS.map((number) => answers.get(number))).toEqual(expected)
    },
    { timeoutMs: 180_000 },
  ),
  'exec-leaves-no-process': behaviour('commands that have ended leave no process in the container', async (bench) => {
    const container = await bench.run()
    // One shell counts alone: in a pipe, the others may not be there yet.
    const count = async (): Promise<string> =>
      (await container.exec(['sh', '-c', 'n=0; for each in /proc/[0-9]*; do n=$((n+1)); done; echo $n'])).stdout
    const before = await count()
    for (let times = 0; times < 5; times += 1) await container.exec(['true'])
    expect(await eventually(async () => (await count()) === before)).toBe(true)
  }),
  'exec-container-ends': behaviour('a command inside ends with its container', async (bench) => {
    const container = await bench.run()
    const process = await container.open(['sleep', '1000'])
    const output = collectProcess(process)
    await container.kill('SIGKILL')
    expect((await output).exitCode).not.toBe(0)
  }),
}

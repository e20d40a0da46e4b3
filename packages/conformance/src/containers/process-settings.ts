import { Readable } from 'node:stream'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'
import { buildTestImage, toDockerArchive } from './test-image.ts'

const ODD_VALUES = {
  QUOTES: `'single' "double" \`back\` $HOME \\n`,
  LINES: 'first\nsecond\n\nfourth',
  UNICODE: 'käse 🧀 日本語',
  EMPTY: '',
  EQUALS: 'a=b=c',
  SPACES: '  around  ',
}

/** An image with an entrypoint, a user and a signal of its own; loaded once for each proof, and removed by the bench. */
async function loadSpeaking(bench: Bench): Promise<string> {
  const reference = `${bench.mark}-speaking:latest`
  const config = { Entrypoint: ['echo', 'entry'], Cmd: ['image'] }
  const image = await buildTestImage(bench.busybox, config)
  await bench.runtime.images.load(Readable.from([await toDockerArchive(image, reference)]))
  return reference
}

/** How a container's command is put together, and what it finds around itself. */
export const PROCESS_SETTINGS = {
  'environment-image': behaviour('a command has the environment of its image', async (bench) => {
    expect(await bench.say('echo "$IMAGE_SAYS"; echo "$PATH"')).toMatchObject({ stdout: 'hello from the image\n/bin\n' })
  }),
  'environment-given': behaviour('a given variable is added, or takes the place of the one of the image', async (bench) => {
    const environment = { IMAGE_SAYS: 'hello from the caller', MORE: 'more' }
    expect(await bench.say('echo "$IMAGE_SAYS $MORE $PATH"', { environment })).toMatchObject({
      stdout: 'hello from the caller more /bin\n',
    })
  }),
  'environment-odd-values': behaviour('values keep quotes, newlines, spaces and every script', async (bench) => {
    const script = Object.keys(ODD_VALUES)
      .map((name) => `printf '%s\\0' "$${name}"`)
      .join(';')
    const { stdout } = await bench.say(script, { environment: ODD_VALUES })
    expect(stdout.split('\0').slice(0, -1)).toEqual(Object.values(ODD_VALUES))
  }),
  'environment-not-callers': behaviour('the environment of the caller stays outside', async (bench) => {
    const { stdout } = await bench.say('env')
    expect(stdout).not.toMatch(/^(?:XDG_RUNTIME_DIR|VITEST|NODE_ENV|LOGNAME|OLDPWD)=/mu)
  }),
  'command-verbatim': behaviour('arguments arrive as they were given', async (bench) => {
    const words = ['a b', `'"\`$HOME`, 'line\nbreak', '', '-x', '日本語', '*', '\\t']
    const { stdout } = await bench.runtime.containers.runToEnd(
      bench.options({ command: ['sh', '-c', `printf '%s\\0' "$@"`, 'sh', ...words] }),
    )
    expect(stdout.split('\0').slice(0, -1)).toEqual(words)
  }),
  'workdir-image': behaviour('a command works in the folder of its image', async (bench) => {
    expect(await bench.say('pwd')).toMatchObject({ stdout: '/srv\n' })
  }),
  'workdir-given': behaviour('a command works in the folder that it was given', async (bench) => {
    expect(await bench.say('pwd', { workdir: '/tmp' })).toMatchObject({ stdout: '/tmp\n' })
  }),
  'workdir-missing': behaviour('a workdir that is not there is WORKDIR_NOT_FOUND, and nothing is left', async (bench) => {
    await expectCode('WORKDIR_NOT_FOUND', bench.run({ workdir: '/no/such/folder' }))
    expect(await bench.left()).toEqual([])
  }),
  'workdir-relative': behaviour('a relative workdir is INVALID_ARGUMENT', async (bench) => {
    await expectCode('INVALID_ARGUMENT', bench.run({ workdir: 'srv' }))
  }),
  'user-default': behaviour('a command runs as root of its container unless told', async (bench) => {
    expect(await bench.say('id -u; id -g')).toMatchObject({ stdout: '0\n0\n' })
  }),
  'user-name': behaviour('a user may be given by name', async (bench) => {
    expect(await bench.say('id -u; id -g', { user: 'app' })).toMatchObject({ stdout: '1000\n1000\n' })
  }),
  'user-groups': behaviour('a user given by name is in the groups that the image gives it', async (bench) => {
    expect(await bench.say('id -G', { user: 'app' })).toMatchObject({ stdout: '1000 2000\n' })
  }),
  'user-uid': behaviour('a user may be given by number', async (bench) => {
    expect(await bench.say('id -u; id -g', { user: '1000' })).toMatchObject({ stdout: '1000\n1000\n' })
  }),
  'user-uid-unlisted': behaviour('a number that /etc/passwd does not have is a user in the group of root', async (bench) => {
    expect(await bench.say('id -u; id -g', { user: '4321' })).toMatchObject({ stdout: '4321\n0\n' })
  }),
  'user-uid-gid': behaviour('a user may be given by the numbers of user and group', async (bench) => {
    expect(await bench.say('id -u; id -g', { user: '1234:5678' })).toMatchObject({ stdout: '1234\n5678\n' })
  }),
  'user-unknown': behaviour('a name that /etc/passwd does not have is USER_NOT_FOUND, and nothing is left', async (bench) => {
    await expectCode('USER_NOT_FOUND', bench.run({ user: 'nobody-knows' }))
    expect(await bench.left()).toEqual([])
  }),
  'user-no-root': behaviour('a user that is not root may not write what is of root', async (bench) => {
    expect((await bench.say('touch /etc/mine', { user: 'app' })).exitCode).toBe(1)
  }),
  'user-home': behaviour('HOME is the home folder of the user', async (bench) => {
    expect(await bench.say('echo $HOME', { user: 'app' })).toMatchObject({ stdout: '/home/app\n' })
  }),
  'entrypoint-of-image': behaviour('entrypoint and command of the image make its command', async (bench) => {
    const { command: _, ...options } = bench.options({ image: await loadSpeaking(bench) })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: 'entry image\n' })
  }),
  'entrypoint-with-command': behaviour('a given command follows the entrypoint of the image', async (bench) => {
    const options = bench.options({ image: await loadSpeaking(bench), command: ['given'] })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: 'entry given\n' })
  }),
  'entrypoint-given': behaviour('a given entrypoint takes the command of the image away', async (bench) => {
    const options = bench.options({ image: await loadSpeaking(bench), entrypoint: ['echo', 'mine'] })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: 'mine\n' })
  }),
  'entrypoint-and-command': behaviour('a given command follows a given entrypoint', async (bench) => {
    const options = bench.options({ image: await loadSpeaking(bench), entrypoint: ['echo', 'mine'], command: ['too'] })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: 'mine too\n' })
  }),
  'entrypoint-removed': behaviour('an empty entrypoint takes the one of the image away', async (bench) => {
    const options = bench.options({ image: await loadSpeaking(bench), entrypoint: [], command: ['echo', 'alone'] })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: 'alone\n' })
  }),
}

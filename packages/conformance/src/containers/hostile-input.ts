import { expect } from 'vitest'
import { behaviour, type Behaviour } from './behaviour.ts'
import type { ContainerOptions } from '@rootless-runtime/core'
import { codeOf, expectCode } from './expect-code.ts'

const LONG = 'x'.repeat(10_000)

const BAD_NAMES = [
  '',
  '-',
  'a',
  '-a',
  '.hidden',
  'a b',
  'a/b',
  '../up',
  'a\nb',
  'a\0b',
  '\u001b[31mred',
  'käse',
  'a;b',
  '$(id)',
  LONG,
]

/** That these options are refused, and that nothing came of them. */
function refused(sentence: string, list: readonly Partial<ContainerOptions>[]): Behaviour {
  return behaviour(`${sentence} is INVALID_ARGUMENT, and nothing is left`, async (bench) => {
    for (const options of list) {
      await expectCode('INVALID_ARGUMENT', bench.create(options))
      await expectCode('INVALID_ARGUMENT', bench.run(options))
    }
    expect(await bench.left()).toEqual([])
  })
}

/** What no caller should give, and some do. */
export const HOSTILE_INPUT = {
  'hostile-name': refused(
    'a name that no container can have',
    BAD_NAMES.map((name) => ({ name })),
  ),
  'hostile-name-found': behaviour(
    'looking for a name that cannot be is CONTAINER_NOT_FOUND or INVALID_ARGUMENT',
    async (bench) => {
      for (const name of ['a\0b', '../up', 'a/b', 'a?all=1', '%2e%2e', LONG, '']) {
        expect(['CONTAINER_NOT_FOUND', 'INVALID_ARGUMENT']).toContain(await codeOf(bench.runtime.containers.get(name)))
      }
    },
  ),
  'hostile-image-name': behaviour('an image name that cannot be is IMAGE_NOT_FOUND or INVALID_ARGUMENT', async (bench) => {
    for (const image of ['', 'a b', '../up', 'UPPER CASE', 'a\0b', 'a?b=c', '-x', LONG, 'sha256:zz']) {
      expect(['IMAGE_NOT_FOUND', 'INVALID_ARGUMENT']).toContain(await codeOf(bench.create({ image })))
    }
    expect(await bench.left()).toEqual([])
  }),
  'hostile-zero-bytes': refused('a zero byte', [
    { command: ['echo', 'a\0b'] },
    { entrypoint: ['a\0b'] },
    { environment: { NAME: 'a\0b' } },
    { environment: { 'NA\0ME': 'a' } },
    { labels: { name: 'a\0b' } },
    { labels: { 'na\0me': 'a' } },
    { workdir: '/a\0b' },
    { user: 'a\0b' },
    { hostname: 'a\0b' },
    { network: 'a\0b' },
    { mounts: [{ source: '/tmp', target: '/a\0b' }] },
    { mounts: [{ source: '/a\0b', target: '/data' }] },
  ]),
  'hostile-variable-name': refused('a variable that no environment can have', [
    { environment: { '': 'a' } },
    { environment: { 'A=B': 'c' } },
  ]),
  'hostile-label-name': refused('a label without a name', [{ labels: { '': 'a' } }]),
  'hostile-hostname': refused('a hostname that no host can have', [
    { hostname: '' },
    { hostname: 'a b' },
    { hostname: '-a' },
    { hostname: 'x'.repeat(300) },
    { hostname: 'a\nb' },
  ]),
  'hostile-user': refused('a user that cannot be', [
    { user: '' },
    { user: '1:2:3' },
    { user: 'a\nb' },
    { user: '-1' },
    { user: ':' },
  ]),
  'hostile-network': refused('a network name that cannot be', [{ network: '' }, { network: 'a b' }, { network: 'container:x' }]),
  'hostile-capability': refused('a capability that is none', [
    { dropCapabilities: ['NO_SUCH_CAPABILITY'] },
    { dropCapabilities: [''] },
    { dropCapabilities: ['chown\n'] },
  ]),
  'hostile-stop-signal': refused('a stop signal that is none', [
    { stopSignal: 'SIGNONE' },
    { stopSignal: '' },
    { stopSignal: '999' },
  ]),
  'hostile-command': refused('a command whose program has no name', [{ command: [''] }, { entrypoint: [''] }]),
  'hostile-label-values': behaviour('labels keep control characters and 10,000 characters', async (bench) => {
    const labels = { ansi: '\u001b[31mred\u001b[0m\r\t\u0007', long: LONG, lines: 'a\n\n"b"\n\\n' }
    const container = await bench.create({ labels })
    expect((await container.inspect()).labels).toMatchObject(labels)
    const listed = await bench.runtime.containers.list()
    expect(listed.find(({ id }) => id === container.id)?.labels).toMatchObject(labels)
  }),
  'hostile-long-words': behaviour(
    'a word of 100,000 characters arrives whole, in the command and in the environment',
    async (bench) => {
      const word = 'y'.repeat(100_000)
      const command = ['sh', '-c', 'echo ${#1} ${#LONG}', 'sh', word]
      const ran = await bench.runtime.containers.runToEnd(bench.options({ command, environment: { LONG: word } }))
      expect(ran).toMatchObject({ exitCode: 0, stdout: '100000 100000\n' })
    },
  ),
  'hostile-word-too-long': refused('a word longer than the kernel takes', [
    { command: ['echo', 'z'.repeat(200_000)] },
    { environment: { LONG: 'z'.repeat(200_000) } },
  ]),
  'hostile-option-words': behaviour('words that look like options stay words', async (bench) => {
    const options = bench.options({
      command: ['echo', '--rm', '-it', '--name', 'x', '--'],
      environment: { DASH: '--privileged' },
    })
    expect(await bench.runtime.containers.runToEnd(options)).toMatchObject({ stdout: '--rm -it --name x --\n' })
    expect(await (await bench.shared()).exec(['echo', '--help', '-n', '--'])).toMatchObject({ stdout: '--help -n --\n' })
  }),
  'hostile-output': behaviour('what a command says is given as it is, control characters and all', async (bench) => {
    const ran = await bench.say(`printf '\\033]0;owned\\007\\033[2J\\r\\n{"stream":"x"}\\n'`)
    expect(ran.stdout).toBe('\u001b]0;owned\u0007\u001b[2J\r\n{"stream":"x"}\n')
  }),
  'hostile-error-words': behaviour('an error shows no control character of what it was given', async (bench) => {
    const container = await bench.shared()
    const error = await expectCode('COMMAND_NOT_FOUND', container.exec(['/no\u001b[31m\n\u202ered']))
    expect(error.message).not.toMatch(/[\u001b\u202e]/u)
    expect(error.message.length).toBeLessThan(2000)
  }),
}

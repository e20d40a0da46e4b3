import { randomBytes } from 'node:crypto'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeEngines, type Place } from './describe-engines.ts'
import { eventually, listLeft, rootless, start, startProgram, toShellLine } from './rootless.ts'

// What a shell needs of `rootless run`: exit codes, streams, signals, a terminal, and nothing left.

describeEngines((place) => {
  const { engine, image, run } = place
  const shell = (script: string, ...options: readonly string[]): readonly string[] => [
    ...run,
    '--rm',
    ...options,
    image,
    'sh',
    '-c',
    script,
  ]

  test('the exit code is the command’s, and stdout and stderr stay apart', async () => {
    expect(await rootless(shell('echo out; echo err >&2; exit 3'))).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' })
  })

  test.each<[string, number, readonly string[]]>([
    ['a command that is not there is 127', 127, [image, 'no-such-command']],
    ['one that cannot be executed is 126', 126, [image, '/etc']],
    ['an image that is not there is 125', 125, ['--pull', 'never', 'rootless-no-such-image']],
    ['a mount that is not there is 125', 125, ['-v', '/no/such/path:/x', image, 'true']],
    ['a network that is not there is 125', 125, ['--network', 'rootless-no-such-network', image, 'true']],
    ['a limit of one byte is 125', 125, ['--memory', '1', image, 'true']],
    ['a port that is none is 125', 125, ['-p', '65536:80', image, 'true']],
  ])('%s, in one clear line, and nothing is left', async (_, code, words) => {
    const ended = await rootless([...run, ...words])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(/^rootless: /u)
    expect(ended.stderr).not.toMatch(/ at .*\.js:/u)
    expect(await listLeft(engine)).toEqual([])
  })

  test('options of the command are not ours', async () => {
    expect(await rootless([...run, '--rm', image, 'echo', '--rm', '-e', 'x', '--help'])).toMatchObject({
      code: 0,
      stdout: '--rm -e x --help\n',
    })
  })

  test('-i passes every byte on, both ways', async () => {
    const bytes = randomBytes(1024 * 1024)
    const { code, stdout } = await rootless([...run, '--rm', '-i', image, 'cat'], { input: bytes })
    expect(code).toBe(0)
    expect(Buffer.from(stdout, 'latin1').equals(bytes)).toBe(true)
  })

  test('without -i its stdin is empty', async () => {
    expect(await rootless([...run, '--rm', image, 'cat'], { input: 'not for it' })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('variables, folder, user and hostname are what was typed', async () => {
    const file = join(place.folder(), 'variables')
    writeFileSync(file, '# none\nFROM_FILE=f g\nOURS\n')
    const options = ['-e', 'A=x y', '-e', 'OURS', '--env-file', file, '-w', '/tmp', '-u', '12:34', '-h', 'inside']
    const words = shell(
      'echo "$A|$OURS|$FROM_FILE|$(busybox pwd)|$(busybox id -u):$(busybox id -g)|$(busybox hostname)"',
      ...options,
    )
    const { stdout, stderr } = await rootless(words, { environment: { OURS: 'ours' } })
    expect({ stdout, stderr }).toEqual({ stdout: 'x y|ours|f g|/tmp|12:34|inside\n', stderr: '' })
  })

  test('a secret is a file inside, and in no list', async () => {
    const file = join(place.folder(), 'secret')
    writeFileSync(file, 'hunter2')
    expect((await rootless(shell('cat /run/secrets/word', '--secret', `word=${file}`))).stdout).toBe('hunter2')
  })

  test('a folder of the host, whose files are mine', async () => {
    const { code, stderr } = await rootless(shell('echo x > /here/made', '-v', `${place.folder()}:/here:me`))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(spawnSync('stat', ['-c', '%u', join(place.folder(), 'made')], { encoding: 'utf8' }).stdout.trim()).toBe(
      String(process.getuid?.()),
    )
  })

  test('a reader that has seen enough ends it', async () => {
    const line = `${toShellLine([...run, '--rm', image, 'busybox', 'yes'])} | head -1`
    const { code, stdout, stderr } = await startProgram('bash', ['-c', `${line}; echo "\${PIPESTATUS[0]}"`]).ended
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'y\n0\n', stderr: '' })
    expect(await listLeft(engine)).toEqual([])
  })

  test('a full disk ends it, and is told', async () => {
    const line = `${toShellLine([...run, '--rm', image, 'busybox', 'yes'])} > /dev/full`
    const { code, stderr } = await startProgram('bash', ['-c', line]).ended
    expect({ code, stderr }).toMatchObject({ code: 125, stderr: expect.stringContaining('ENOSPC') })
    expect(await listLeft(engine)).toEqual([])
  })

  testSignals(place)
  testTerminal(place)
})

function testSignals({ engine, image, run }: Place): void {
  const trapping = 'trap "echo heard; exit 9" TERM INT HUP QUIT; trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s is passed on, and its answer is the exit code',
    async (name) => {
      const { child, ended } = start([...run, '--rm', image, 'sh', '-c', trapping])
      child.stdout?.once('data', () => child.kill(name))
      expect(await ended).toEqual({ code: 9, stdout: 'ready\nheard\n', stderr: '' })
      expect(await listLeft(engine)).toEqual([])
    },
  )

  test('SIGUSR1 is passed on too', async () => {
    const { child, ended } = start([...run, '--rm', image, 'sh', '-c', trapping])
    let said = ''
    child.stdout?.on('data', (piece) => {
      said += String(piece)
      if (said === 'ready\n') child.kill('SIGUSR1')
      if (said === 'ready\nusr1\n') child.kill('SIGTERM')
    })
    expect(await ended).toMatchObject({ code: 9, stdout: 'ready\nusr1\nheard\n' })
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a command that cannot hear %s is ended at once', async (name, code) => {
    const { child, ended } = start([...run, '--rm', image, 'sh', '-c', 'echo ready; exec sleep 100'])
    const begun = Date.now()
    child.stdout?.once('data', () => setTimeout(() => child.kill(name), 300))
    expect(await ended).toMatchObject({ code, stdout: 'ready\n' })
    expect(Date.now() - begun).toBeLessThan(30_000)
    expect(await listLeft(engine)).toEqual([])
  })

  test('one that was killed is swept, and nothing else', async () => {
    const { child, ended } = start([...run, '--rm', image, 'sh', '-c', 'echo ready; exec sleep 1000'])
    child.stdout?.once('data', () => child.kill('SIGKILL'))
    await expect(ended).rejects.toThrow('SIGKILL')
    const left = await listLeft(engine)
    expect(left).toHaveLength(1)
    const { code, stdout } = await rootless(['sweep', '--engine', engine])
    expect(code).toBe(0)
    expect(stdout).toContain(`removed ${engine} ${left[0]}`)
    expect(await listLeft(engine)).toEqual([])
  })
}

/** In a terminal of util-linux's script(1). */
function inTerminal(line: string): string {
  return execFileSync('script', ['-qec', line, '/dev/null'], {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    input: '',
    timeout: 60_000,
    env: { ...process.env, SHELL: '/bin/bash' },
  }).replaceAll('\r', '')
}

function testTerminal({ engine, image, run }: Place): void {
  const inside = (script: string): string => toShellLine([...run, '--rm', '-it', image, 'sh', '-c', script])

  test('-t is a terminal inside, as large as ours', () => {
    const said = inTerminal(
      `stty cols 91 rows 33; ${inside('test -t 0 && test -t 1 && echo terminal; sleep 0.5; busybox stty size; exit 7')}; echo code $?`,
    )
    expect(said).toContain('terminal\n')
    expect(said).toContain('33 91\n')
    expect(said).toContain('code 7\n')
  })

  test('it grows and shrinks with ours', () => {
    const watching = 'echo ready; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do busybox stty size; sleep 0.3; done'
    const said = inTerminal(`stty cols 80 rows 24; ours=$(tty); (sleep 2; stty -F "$ours" cols 70 rows 20) & ${inside(watching)}`)
    expect(said).toContain('24 80\n')
    expect(said).toContain('20 70\n')
  })

  test('ours is what it was, whatever ends it', () => {
    const same = (line: string): string =>
      inTerminal(`before=$(stty -g); ${line}; after=$(stty -g); test "$before" = "$after" && echo same || echo "$before $after"`)
    expect(same(inside('exit 3'))).toContain('same\n')
    expect(same(`${inside('exec sleep 100')} & sleep 3; kill $!; wait`)).toContain('same\n')
    expect(same(toShellLine([...run, '--rm', '-it', image, 'no-such-command']))).toContain('same\n')
  })

  test('what is typed reaches it', async () => {
    const typed = "{ sleep 2; echo 'echo typed $((40+2))'; sleep 1; echo exit 5; sleep 1; }"
    const line = toShellLine([...run, '--rm', '-it', image, 'sh'])
    const { stdout } = await startProgram('bash', ['-c', `${typed} | script -qec "$0" /dev/null`, line], {
      environment: { SHELL: '/bin/bash' },
    }).ended
    expect(stdout).toContain('typed 42')
    await eventually(
      () => listLeft(engine),
      (left) => left.length === 0,
    )
  })
}

import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildReport, supportedValue } from 'rootless-runtime'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { describeEngines, type Place } from './describe-engines.ts'
import { eventually, LABEL, listLeft, mustRootless, rootless, start, startProgram, toShellLine } from './rootless.ts'

// Containers that outlive the command that made them, from outside.

const report = await buildReport()

const answers = z.array(z.object({ engine: z.string(), status: z.string(), reason: z.string().nullable() }))
const listed = z.object({
  containers: z.array(
    z.object({
      engine: z.string(),
      id: z.string(),
      name: z.string(),
      image: z.string(),
      status: z.enum(['created', 'running', 'paused', 'ended']),
      commandLine: z.string(),
      labels: z.record(z.string(), z.string()),
      createdAt: z.iso.datetime(),
      exitCode: z.number().nullable(),
      ports: z.array(z.object({ container: z.number(), host: z.number(), protocol: z.string(), address: z.string() })),
    }),
  ),
  engines: answers,
})

describeEngines((place) => {
  const { engine, image, run } = place
  const mine = ['--engine', engine]

  const detach = async (name: string, script: string, ...options: readonly string[]): Promise<string> => {
    await mustRootless(...run, '-d', '--name', name, ...options, image, 'sh', '-c', script)
    return name
  }

  test('-d prints an id; ps shows it; logs tell what it said; stop and rm end it', async () => {
    const name = place.name('life')
    const id = await mustRootless(
      ...run,
      '-d',
      '--name',
      name,
      image,
      'sh',
      '-c',
      'trap "exit 4" TERM; echo out; echo err >&2; while :; do sleep 0.1; done',
    )
    expect(id).not.toMatch(/\s/u)
    const { containers, engines } = listed.parse(JSON.parse(await mustRootless('ps', ...mine, '-l', LABEL, '--format', 'json')))
    expect(containers).toMatchObject([{ engine, id, name, status: 'running', exitCode: null }])
    expect(engines).toEqual([{ engine, status: 'answered', reason: null }])
    await eventually(
      () => rootless(['logs', ...mine, name]),
      ({ stdout, stderr }) => stdout === 'out\n' && stderr === 'err\n',
    )
    expect((await rootless(['rm', ...mine, name])).code).toBe(1)
    expect(await mustRootless('stop', ...mine, name)).toBe(name)
    expect(await mustRootless('ps', ...mine, '-q', '-l', LABEL)).toBe('')
    const after = listed.parse(JSON.parse(await mustRootless('ps', '-a', ...mine, '-l', LABEL, '--format', 'json')))
    expect(after.containers).toMatchObject([{ name, status: 'ended', exitCode: 4 }])
    expect(await mustRootless('rm', ...mine, id)).toBe(id)
    expect(await listLeft(engine)).toEqual([])
  })

  test('-d with --rm: it is removed when it has ended', async () => {
    const name = await detach(place.name('removed'), 'exec sleep 1000', '--rm')
    expect(await listLeft(engine)).toEqual([name])
    await mustRootless('stop', ...mine, '-t', '0', name)
    await eventually(
      () => listLeft(engine),
      (left) => left.length === 0,
    )
  })

  test('without --rm an ended container stays', async () => {
    const name = place.name('stays')
    expect((await rootless([...run, '--name', name, image, 'sh', '-c', 'exit 6'])).code).toBe(6)
    expect(await listLeft(engine)).toEqual([name])
    await rootless(['sweep', ...mine])
    expect(await listLeft(engine)).toEqual([name])
    await mustRootless('rm', ...mine, name)
  })

  test('a name that is taken is refused, and the first container is as it was', async () => {
    const name = await detach(place.name('taken'), 'exec sleep 1000')
    const { code, stderr } = await rootless([...run, '--rm', '--name', name, image, 'true'])
    expect({ code, stderr }).toMatchObject({ code: 125, stderr: expect.stringContaining(name) })
    expect(await listLeft(engine)).toEqual([name])
    await mustRootless('rm', '-f', ...mine, name)
  })

  test('exec: streams, exit codes, and what cannot be run', async () => {
    const name = await detach(place.name('exec'), 'exec sleep 1000')
    const exec = (...words: readonly string[]) => rootless(['exec', ...mine, ...words])
    expect(await exec(name, 'sh', '-c', 'echo out; echo err >&2; exit 5')).toEqual({ code: 5, stdout: 'out\n', stderr: 'err\n' })
    const bytes = randomBytes(300_000)
    const echoed = await rootless(['exec', ...mine, '-i', name, 'cat'], { input: bytes })
    expect(Buffer.from(echoed.stdout, 'latin1').equals(bytes)).toBe(true)
    expect(
      (await exec('-e', 'A=1', '-w', '/tmp', '-u', '12', name, 'sh', '-c', 'echo $A $(busybox pwd) $(busybox id -u)')).stdout,
    ).toBe('1 /tmp 12\n')
    expect((await exec(name, 'no-such-command')).code).toBe(127)
    expect((await exec(name, '/etc')).code).toBe(126)
    expect((await exec('rootless-no-such-container', 'true')).code).toBe(125)
    await mustRootless('rm', '-f', ...mine, name)
  })

  test('logs follow to the end, from the last lines on, with a time for each', async () => {
    const name = await detach(place.name('logs'), 'echo 1; echo 2; sleep 2; echo 3; exit 0')
    const { code, stdout } = await rootless(['logs', ...mine, '-f', name])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\n2\n3\n' })
    expect(await mustRootless('logs', ...mine, '--tail', '1', name)).toBe('3')
    expect(await mustRootless('logs', ...mine, '-t', '--tail', '1', name)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z 3$/u)
    const { ended } = startProgram('bash', [
      '-c',
      `${toShellLine(['logs', ...mine, '-f', name])} | head -1; echo "\${PIPESTATUS[0]}"`,
    ])
    expect((await ended).stdout).toBe('1\n0\n')
    await mustRootless('rm', ...mine, name)
  })

  test('logs -f ends with the signal of an impatient person, and the container goes on', async () => {
    const name = await detach(place.name('follow'), 'echo 1; exec sleep 1000')
    const { child, ended } = start(['logs', ...mine, '-f', name])
    child.stdout?.once('data', () => child.kill('SIGINT'))
    expect(await ended).toMatchObject({ code: 130, stdout: '1\n' })
    expect(await mustRootless('ps', '-q', ...mine, '-l', LABEL)).not.toBe('')
    await mustRootless('rm', '-f', ...mine, name)
  })

  testCopy(place)

  test('stats are figures of its own, or unknown with a reason', async () => {
    const name = await detach(place.name('stats'), 'exec sleep 1000')
    const fact = z.discriminatedUnion('status', [
      z.object({ status: z.literal('known'), value: z.number().nullable(), source: z.string() }),
      z.object({ status: z.literal('unknown'), reason: z.string().min(1), source: z.string() }),
    ])
    const shape = z.array(
      z.object({
        engine: z.literal(engine),
        id: z.string(),
        name: z.literal(name),
        cpus: z.null(),
        stats: z.record(z.string(), fact),
      }),
    )
    const samples = shape.parse(JSON.parse(await mustRootless('stats', ...mine, '--no-stream', '--format', 'json', name)))
    expect(samples).toHaveLength(1)
    const memory = samples[0]?.stats['memoryBytes']
    const text = await mustRootless('stats', ...mine, '--no-stream', name)
    if (memory?.status === 'known') expect(memory.value).toBeLessThan(200 * 1024 ** 2)
    else expect(text).toContain(`unknown: ${memory?.reason}`)
    await mustRootless('rm', '-f', ...mine, name)
  })

  test('a limit that would not be applied is refused before anything is made; a warning is enough when asked for', async () => {
    const limit = report.engines.find((entry) => entry.engine === engine)?.capabilities?.cgroup.limits.memory
    const words = [...run, '--rm', '--memory', '64m']
    const { code, stderr } = await rootless([...words, image, 'sh', '-c', ':'])
    expect(code).toBe(limit !== undefined && supportedValue(limit) ? 0 : 125)
    if (code === 125) expect(stderr).toContain('memory')
    const warned = await rootless([...words, '--if-unenforceable', 'warn', image, 'sh', '-c', ':'])
    expect(warned.code).toBe(0)
    if (code === 125) expect(warned.stderr).toMatch(/^rootless: warning: memory/u)
    expect(await listLeft(engine)).toEqual([])
  })

  test('images lists what was loaded', async () => {
    const shape = z.object({
      images: z.array(z.object({ engine: z.literal(engine), id: z.string(), references: z.array(z.string()) })),
      engines: answers,
    })
    const { images } = shape.parse(JSON.parse(await mustRootless('images', ...mine, '--format', 'json')))
    expect(images.flatMap(({ references }) => references)).toContain(`docker.io/library/${image}`)
  })

  test('what is no image is refused in one line', async () => {
    const file = join(place.folder(), 'no-image')
    writeFileSync(file, 'no image at all')
    const { code, stderr } = await rootless(['load', ...mine, file])
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 1, lines: 1 })
    expect((await rootless(['load', ...mine, '-'], { input: 'no image at all' })).code).toBe(1)
  })
})

function testCopy(place: Place): void {
  const { engine, image, run } = place
  const mine = ['--engine', engine]

  test('cp: a file and a folder, in and out again, byte for byte', async () => {
    const name = place.name('cp')
    await mustRootless(...run, '-d', '--name', name, image, 'sh', '-c', 'exec sleep 1000')
    const folder = join(place.folder(), 'cp')
    mkdirSync(join(folder, 'in/sub'), { recursive: true })
    const bytes = randomBytes(500_000)
    writeFileSync(join(folder, 'in/sub/file'), bytes)
    symlinkSync('sub/file', join(folder, 'in/link'))
    const inside = async (script: string): Promise<string> => mustRootless('exec', ...mine, name, 'sh', '-c', script)
    await mustRootless('cp', ...mine, join(folder, 'in'), `${name}:/tmp`)
    await mustRootless('cp', ...mine, join(folder, 'in'), `${name}:/tmp/new`)
    await mustRootless('cp', ...mine, `${join(folder, 'in')}/.`, `${name}:/tmp/new`)
    await mustRootless('cp', ...mine, join(folder, 'in/sub/file'), `${name}:/tmp/renamed`)
    const digest = createHash('sha256').update(bytes).digest('hex')
    for (const path of ['/tmp/in/sub/file', '/tmp/in/link', '/tmp/new/sub/file', '/tmp/renamed'])
      expect(await inside(`busybox sha256sum < ${path}`)).toBe(`${digest}  -`)
    expect(await inside('busybox stat -c %u:%g /tmp/renamed /tmp/in')).toBe('0:0\n0:0')
    expect(await inside('busybox test -e /tmp/new/in || echo none')).toBe('none')
    await mustRootless('cp', ...mine, `${name}:/tmp/in`, join(folder, 'out'))
    await mustRootless('cp', ...mine, `${name}:/tmp/renamed`, folder)
    for (const path of ['out/sub/file', 'out/link', 'renamed']) expect(readFileSync(join(folder, path)).equals(bytes)).toBe(true)
    const tar = await rootless(['cp', ...mine, `${name}:/tmp/renamed`, '-'])
    const sent = await rootless(['cp', ...mine, '-', `${name}:/srv-of-tar`], { input: Buffer.from(tar.stdout, 'latin1') })
    expect({ code: sent.code, said: sent.stderr }).toMatchObject({ code: 1, said: expect.stringContaining('/srv-of-tar') })
    await inside('busybox mkdir /tmp/tarred')
    expect((await rootless(['cp', ...mine, '-', `${name}:/tmp/tarred`], { input: Buffer.from(tar.stdout, 'latin1') })).code).toBe(
      0,
    )
    expect(await inside('busybox sha256sum < /tmp/tarred/renamed')).toBe(`${digest}  -`)
    await mustRootless('rm', '-f', ...mine, name)
  })

  test('cp: what is not there is 1, in one line', async () => {
    const name = place.name('cp-none')
    await mustRootless(...run, '-d', '--name', name, image, 'sh', '-c', 'exec sleep 1000')
    for (const [from, to] of [
      [`${name}:/no/such`, place.folder()],
      [join(place.folder(), 'no-such'), `${name}:/tmp`],
      [`${name}:/etc`, join(place.folder(), 'no/such/folder')],
      [place.folder(), `${name}:/no/such/folder`],
    ] as const) {
      const { code, stderr } = await rootless(['cp', ...mine, from, to])
      expect({ code, lines: stderr.trim().split('\n').length, from, to, stderr }).toMatchObject({ code: 1, lines: 1 })
    }
    await mustRootless('rm', '-f', ...mine, name)
  })
}

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import type { Container, ContainerOptions, RootlessRuntime } from '@rootless-runtime/core'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createLxc } from '../src/lxc.ts'

// What is LXC's alone: the supervisor, and what its death or the caller's leaves. The rest is in the suite of all engines.

const PREFIX = `live-${process.pid}`
const IMAGE = `${PREFIX}:live`
const DATA = process.env['XDG_DATA_HOME'] ?? join(process.env['HOME'] ?? '/', '.local/share')
const CONTAINERS = join(DATA, 'rootless-runtime/lxc/containers')

function open(): RootlessRuntime {
  const machine = createLocalSystem()
  return createLxc(machine, { timeoutMs: 30_000, workplace: { machine, hostFacts: () => probeHost(machine) } })
}

const { containers, images } = open()
let made = 0

function options(more: Partial<ContainerOptions> = {}): ContainerOptions {
  return { image: IMAGE, name: `${PREFIX}-${(made += 1)}`, network: 'none', labels: { [PREFIX]: '' }, ...more }
}

function fileOf({ id }: Container, name: string): string {
  return join(CONTAINERS, id, name)
}

function read(container: Container, name: string): string {
  return readFileSync(fileOf(container, name), 'utf8')
}

function supervisorOf(container: Container): number {
  return Number(/"pid":(\d+)/u.exec(read(container, 'supervisor.json'))?.[1])
}

async function logOf(container: Container): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const { data } of container.logs()) pieces.push(Buffer.from(data))
  return Buffer.concat(pieces).toString()
}

beforeAll(async () => {
  const image = await buildTestImage(readFileSync('/bin/busybox'))
  await images.load(Readable.from([await toDockerArchive(image, IMAGE)]))
})

afterEach(async () => {
  for (const { id } of await containers.list({ labels: { [PREFIX]: '' } }))
    await (await containers.get(id)).remove({ force: true })
})

afterAll(async () => {
  await images.remove(IMAGE)
})

test('a killed supervisor makes nothing lie: the container runs on, and its exit code is known', async () => {
  const container = await containers.run(
    options({ command: ['sh', '-c', 'echo before; trap "exit 6" TERM; while :; do sleep 0.1; done'] }),
  )
  while ((await logOf(container)) === '') await new Promise((resolve) => setTimeout(resolve, 20))
  process.kill(supervisorOf(container), 'SIGKILL')
  expect((await container.inspect()).status).toBe('running')
  expect(await container.exec(['echo', 'on'])).toMatchObject({ stdout: 'on\n' })
  await container.kill('SIGTERM')
  expect((await container.wait()).exitCode).toBe(6)
  expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 6, outOfMemory: { status: 'unknown' } })
  expect(await logOf(container)).toBe('before\n')
  await container.start()
  expect((await container.inspect()).status).toBe('running')
})

test('who waits for a container whose supervisor is killed is told all the same', async () => {
  const container = await containers.run(options({ command: ['sleep', '1000'] }))
  const waiting = container.wait()
  process.kill(supervisorOf(container), 'SIGKILL')
  await container.kill('SIGKILL')
  expect((await waiting).exitCode).toBe(137)
})

test('streams that a killed supervisor carried end with ENGINE_GONE', async () => {
  const container = await containers.create(options({ command: ['sleep', '1000'] }))
  const attached = await container.attach()
  const ended = attached.ended.catch((error: unknown) => error)
  await container.start()
  process.kill(supervisorOf(container), 'SIGKILL')
  expect(await ended).toMatchObject({ code: 'ENGINE_GONE' })
})

test('a log that was cut goes on after the next start', async () => {
  const container = await containers.run(options({ command: ['echo', 'one'] }))
  await container.wait()
  writeFileSync(fileOf(container, 'log'), Buffer.concat([readFileSync(fileOf(container, 'log')), Buffer.of(0x9e, 0x52, 0x52)]))
  await container.start()
  await container.wait()
  expect(await logOf(container)).toBe('one\none\n')
})

test("LXC's monitor, killed, takes its container along: 137", async () => {
  const container = await containers.run(options({ command: ['sleep', '1000'] }))
  const { pid } = await container.inspect()
  const monitor = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
  process.kill(monitor, 'SIGKILL')
  expect((await container.wait()).exitCode).toBe(137)
  await container.start()
  expect((await container.inspect()).status).toBe('running')
})

test('the supervisor keeps nothing: ends with its container, and its socket too', async () => {
  const container = await containers.run(options({ command: ['sleep', '1000'] }))
  const pid = supervisorOf(container)
  await container.kill()
  await container.wait()
  await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false)
  expect(readdirSync(join(CONTAINERS, container.id)).filter((name) => name.endsWith('.sock'))).toEqual([])
})

test('the standard streams can be opened again by their names, by any user inside', async () => {
  const script = 'echo out >/dev/stdout; echo err >/dev/stderr'
  for (const user of ['0', '1000']) {
    expect(await containers.runToEnd(options({ command: ['sh', '-c', script], user }))).toMatchObject({
      exitCode: 0,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  }
})

test('64 MiB through stdin and stdout of a container leave the supervisor small', async () => {
  const container = await containers.create(options({ command: ['cat'], stdin: true }))
  const attached = await container.attach()
  await container.start()
  const pid = supervisorOf(container)
  const pieces = Array.from({ length: 1024 }, (_, index) => Buffer.alloc(65_536, index))
  Readable.from(pieces).pipe(attached.stdin)
  let bytes = 0
  let most = 0
  for await (const chunk of attached.stdout) {
    bytes += Buffer.from(chunk).length
    most = Math.max(most, Number(/VmRSS:\s+(\d+) kB/u.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]))
  }
  expect(bytes).toBe(64 * 1024 * 1024)
  expect(most).toBeLessThan(150 * 1024)
})

test.each([5, 20, 60, 120, 250])(
  'a caller who is killed %i ms after it began to create leaves what a sweep can remove',
  async (delayMs) => {
    const given = options({ owner: 'process' })
    const child = spawn(
      process.execPath,
      ['--conditions=@rootless-runtime/source', join(import.meta.dirname, 'create-and-wait.ts'), JSON.stringify(given)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    child.kill('SIGKILL')
    await once(child, 'close')
    for (const { status } of await containers.list({ labels: { [PREFIX]: '' } })) expect(status).toBe('created')
    await containers.sweep()
    expect(await containers.list({ labels: { [PREFIX]: '' } })).toEqual([])
    // Its name is free again.
    await using again = await containers.create(given)
    expect(again.name).toBe(given.name)
  },
)

test('a container that was not made to its end does not start, and can be removed', async () => {
  const container = await containers.create(options())
  const record = JSON.parse(read(container, 'record.json')) as object
  writeFileSync(fileOf(container, 'record.json'), JSON.stringify({ ...record, lines: null }))
  await expect(container.start()).rejects.toMatchObject({ code: 'ENGINE_REFUSED' })
  await container.remove()
})

test.each(['{', '[]', 'null', '', '{"version":2}'])(
  'a record that reads %j is no container, and hinders no other',
  async (text) => {
    const [broken, whole] = [await containers.create(options()), await containers.create(options())]
    const before = read(broken, 'record.json')
    writeFileSync(fileOf(broken, 'record.json'), text)
    expect((await containers.list({ labels: { [PREFIX]: '' } })).map(({ id }) => id)).toEqual([whole.id])
    await expect(containers.get(broken.id)).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' })
    writeFileSync(fileOf(broken, 'record.json'), before)
  },
)

test('a name that a container that is gone still holds is given away', async () => {
  const container = await containers.create(options())
  const names = join(CONTAINERS, '../names')
  writeFileSync(join(names, `${PREFIX}-stale`), 'ffffffffffffffff')
  await using second = await containers.create(options({ name: `${PREFIX}-stale` }))
  expect(await containers.get(second.name)).toMatchObject({ id: second.id })
  await expect(containers.create(options({ name: container.name }))).rejects.toMatchObject({ code: 'NAME_IN_USE' })
})

test('no variable of the caller is in the supervisor or in the container', async () => {
  process.env['RRX_SECRET'] = 'of the caller'
  const container = await containers.run(options({ command: ['sleep', '1000'] }))
  delete process.env['RRX_SECRET']
  expect(readFileSync(`/proc/${supervisorOf(container)}/environ`, 'utf8')).not.toContain('RRX_SECRET')
  expect((await container.exec(['cat', '/proc/1/environ'])).stdout).not.toContain('RRX_SECRET')
})

test('nothing of a command is a line of LXC, whatever words it has', async () => {
  const words = ['a b', '"q"', "it's", '$HOME `id`', 'n\nl', '-x', '', '*', 'lxc.environment=X']
  const { stdout } = await containers.runToEnd(
    options({ entrypoint: ['sh', '-c', 'for word; do printf "%s\\0" "$word"; done', 'sh'], command: words }),
  )
  expect(stdout.split('\0').slice(0, -1)).toEqual(words)
})

test("the user's own containers of LXC are neither listed nor touched", async () => {
  await using container = await containers.create(options())
  const own = execFileSync('lxc-ls', ['-1'], { encoding: 'utf8' }).split('\n')
  expect(own).not.toContain(container.id)
  expect((await containers.list({ everyone: true })).map(({ id }) => id)).toContain(container.id)
})

test('a supervisor that nobody tells to start ends by itself', async () => {
  const container = await containers.create(options())
  await expect.poll(() => existsSync(fileOf(container, 'supervisor.json')), { timeout: 10_000 }).toBe(true)
  const pid = supervisorOf(container)
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 20_000 }).toBe(false)
  await container.start()
  expect((await container.inspect()).status).toBe('running')
})

test('what stands in the folder of a supervisor that died is in nobody’s way', async () => {
  const container = await containers.create(options({ command: ['true'] }))
  await expect.poll(() => existsSync(fileOf(container, 'supervisor.json')), { timeout: 10_000 }).toBe(true)
  const pid = supervisorOf(container)
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false)
  await container.start()
  expect((await container.wait()).exitCode).toBe(0)
  rmSync(fileOf(container, 'end.json'))
  expect(await container.inspect()).toMatchObject({ status: 'ended', exitCode: 0 })
})

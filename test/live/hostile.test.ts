import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from 'rootless-runtime'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, listProcesses, run } from './look.ts'

// The built command against engines that lie, hang and flood: a clear answer, in time, in little memory, and nothing left.

const main = join(import.meta.dirname, '../../apps/compare/dist/main.js')
const folder = mkdtempSync(join(tmpdir(), 'rootless-hostile-'))
const TIMEOUT_SECONDS = 2
const MAXIMUM_KILOBYTES = 120 * 1024
const TELL_MEMORY =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("\\nKB="+process.resourceUsage().maxRSS+"\\n"))'

interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  readonly kilobytes: number
}

type Environment = Readonly<Record<string, string | undefined>>

function rootless(words: readonly string[], environment: Environment = {}, onStart?: (pid: number) => void): Promise<Ran> {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(process.execPath, ['--import', TELL_MEMORY, main, ...words], { env: { ...process.env, ...environment } })
    const text = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text.stdout += piece))
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (text.stderr += piece))
    if (child.pid !== undefined) onStart?.(child.pid)
    child.once('close', (exitCode) => {
      const kilobytes = Number(/KB=(\d+)/u.exec(text.stderr)?.[1])
      resolve({ exitCode, ...text, ms: performance.now() - started, kilobytes })
    })
  })
}

/** A folder first on the PATH with a program of that name, which is a shell script. */
function withProgram(name: string, script: string): Environment {
  const bin = mkdtempSync(join(folder, 'bin-'))
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
  return { PATH: `${bin}:${process.env['PATH']}` }
}

async function compare(environment: Environment): Promise<{ readonly ran: Ran; readonly report: Report }> {
  const ran = await rootless(['compare', '--format', 'json', '--timeout', `${TIMEOUT_SECONDS}`], environment)
  return { ran, report: parseReport(ran.stdout) }
}

function availabilityOf(report: Report, engine: string) {
  const entry = report.engines.find((each) => each.engine === engine)
  if (entry === undefined) throw new Error(`${engine} is not in the report`)
  return entry.availability
}

let honest: Report

beforeAll(async () => {
  honest = (await compare({})).report
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** What holds however an engine behaves: in time, in memory, nothing left, and the others as ever. */
function expectCalm(ran: Ran, report: Report, engine: string): void {
  expect(ran.ms).toBeLessThan(TIMEOUT_SECONDS * 2000 + 3000)
  expect(ran.kilobytes).toBeLessThan(MAXIMUM_KILOBYTES)
  expect(ran.stdout).not.toMatch(/[\u001b\u0007\u202e]/u)
  for (const other of ['docker', 'podman', 'lxc'].filter((name) => name !== engine)) {
    expect(availabilityOf(report, other).status).toBe(availabilityOf(honest, other).status)
  }
  const left = listProcesses().filter(({ words }) => words.some((word) => word.startsWith(folder)))
  expect(left.map(({ words }) => words.join(' '))).toEqual([])
}

describe('a podman that', () => {
  test.each([
    ['prints forever', 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done'],
    ['prints 100 MB', 'head -c 100000000 /dev/zero | tr "\\0" x'],
    ['ignores SIGTERM', 'trap "" TERM; sleep 100 & wait; sleep 100'],
    ['leaves a child with its output', '(trap "" TERM; sleep 100) & sleep 100'],
    ['prints no JSON', 'echo hello'],
    ['prints half of an answer', 'printf \'{"host":{"cgroupVersion":"v2","cgroupM\''],
    ['prints bytes that are no UTF-8', "printf '\\377\\376\\200{}'"],
    ['prints zeros and fails', 'echo \'{"host":{"cgroupVersion":""},"store":{},"version":{"Version":""}}\'; exit 1'],
    ["prints Docker's answer", 'echo \'{"ServerVersion":"20.10.24","Driver":"overlay2"}\''],
    ['prints control characters', 'printf "\\033]0;owned\\007\\033[2J" ; printf "\\033[31mError: \\033[0m" >&2; exit 125'],
    ['is ended by a signal', 'kill -9 $$'],
  ])('%s is unknown with its reason', async (_, script) => {
    const { ran, report } = await compare(withProgram('podman', script))
    expectCalm(ran, report, 'podman')
    expect(availabilityOf(report, 'podman')).toMatchObject({ status: 'unknown', reason: expect.stringMatching(/podman/u) })
    expect(ran.exitCode).toBe(0)
  })

  test('has no newuidmap says what to do', async () => {
    const words =
      'Error: command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH'
    const { ran, report } = await compare(withProgram('podman', `echo '${words}' >&2; exit 125`))
    expectCalm(ran, report, 'podman')
    expect(availabilityOf(report, 'podman')).toMatchObject({ status: 'unavailable', fix: { needsRoot: true } })
  })
})

describe('an lxc-start that', () => {
  test.each([
    ['prints no version', 'echo LXC'],
    ['hangs', 'sleep 100'],
    ['fails', 'echo "error while loading shared libraries: liblxc.so.1" >&2; exit 127'],
  ])('%s is unknown with its reason', async (_, script) => {
    const { ran, report } = await compare(withProgram('lxc-start', script))
    expectCalm(ran, report, 'lxc')
    expect(availabilityOf(report, 'lxc')).toMatchObject({ status: 'unknown', reason: expect.stringMatching(/lxc-start/u) })
  })
})

describe('a docker.sock that', () => {
  const servers: Server[] = []
  const sockets: Socket[] = []

  afterAll(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })

  /** A runtime folder whose docker.sock does that. */
  async function withSocket(onConnection: (socket: Socket) => void): Promise<Environment> {
    const runtime = mkdtempSync(join(folder, 'run-'))
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}))
      onConnection(socket)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(join(runtime, 'docker.sock'), resolve))
    return { XDG_RUNTIME_DIR: runtime, DOCKER_HOST: '' }
  }

  const answer = (head: string, body: string) => (socket: Socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${head}Connection: close\r\n\r\n${body}`))
  }

  test.each<[string, (socket: Socket) => void, string]>([
    ['never answers', () => {}, 'unknown'],
    ['resets', (socket) => socket.destroy(), 'unknown'],
    ['speaks no HTTP', (socket) => socket.end('hello\n'), 'unknown'],
    ['is Podman', answer('Libpod-Api-Version: 4.3.1\r\nServer: Libpod/4.3.1 (linux)\r\n', 'OK'), 'unavailable'],
    ['is somebody else', answer('Server: nginx\r\n', 'OK'), 'unavailable'],
    ['says Docker and then rubbish', answer('Server: Docker/20.10.24 (linux)\r\n', '{"ServerVersion":""'), 'unknown'],
    ['floods', answer('Server: Docker/20.10.24 (linux)\r\n', 'x'.repeat(100_000_000)), 'unknown'],
  ])('%s is never rootless Docker', async (_, onConnection, status) => {
    const { ran, report } = await compare(await withSocket(onConnection))
    expectCalm(ran, report, 'docker')
    const availability = availabilityOf(report, 'docker')
    expect(availability.status).toBe(status)
    expect(availability.places.some(({ answer: said }) => said !== '')).toBe(true)
  })

  test('is a plain file is not Docker', async () => {
    const runtime = mkdtempSync(join(folder, 'run-'))
    writeFileSync(join(runtime, 'docker.sock'), 'not a socket')
    const { ran, report } = await compare({ XDG_RUNTIME_DIR: runtime, DOCKER_HOST: '' })
    expectCalm(ran, report, 'docker')
    expect(availabilityOf(report, 'docker').status).not.toBe('available')
  })
})

test('a socket that Podman serves is known by its answer', async () => {
  const socket = join(mkdtempSync(join(folder, 'podman-')), 'podman.sock')
  const service = spawn('podman', ['system', 'service', '--time', '30', `unix://${socket}`], { stdio: 'ignore' })
  try {
    await eventually(() => existsSync(socket) || undefined)
    const { report } = await compare({ CONTAINER_HOST: `unix://${socket}` })
    const places = availabilityOf(report, 'podman').places.filter(({ place }) => /CONTAINER_HOST/u.test(place))
    expect(places).toMatchObject([{ answer: expect.stringMatching(/^Podman \d/u) }])
  } finally {
    service.kill('SIGKILL')
  }
})

describe('a host where', () => {
  test.each([
    ['HOME does not exist', { HOME: '/nonexistent' }],
    ['HOME is not set', { HOME: undefined }],
    ['XDG_RUNTIME_DIR does not exist', { XDG_RUNTIME_DIR: '/nonexistent' }],
    ['XDG_RUNTIME_DIR is not set', { XDG_RUNTIME_DIR: undefined }],
    ['there is nothing on the PATH', { PATH: '/nonexistent' }],
  ])('%s gets a whole report', async (_, environment) => {
    const { ran, report } = await compare(environment)
    expect(report.engines).toHaveLength(3)
    expect(ran.stderr).not.toMatch(/ at .*\.js:|defect/u)
    expect(ran.kilobytes).toBeLessThan(MAXIMUM_KILOBYTES)
  })

  test('the name of a context is a trick shows it harmlessly', async () => {
    const config = mkdtempSync(join(folder, 'docker-'))
    const meta = join(config, 'contexts/meta/0')
    mkdirSync(meta, { recursive: true })
    const Name = '\u001b]0;owned\u0007\u202Eevil'
    writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name, Endpoints: { docker: { Host: 'ssh://me:hunter2@host' } } }))
    const ran = await rootless(['inspect', 'docker'], { DOCKER_CONFIG: config })
    expect(ran.stdout).toContain('evil')
    expect(ran.stdout).not.toMatch(/[\u001b\u0007\u202e]|hunter2/u)
  })

  test('the disk is full keeps the old file whole', async () => {
    const disk = mkdtempSync(join(folder, 'disk-'))
    const script = `mount -t tmpfs -o size=16k tmpfs "$2" && cd "$2" && echo old >report.json
      "$0" "$1" compare --format json --output report.json; echo "code=$?"; cat report.json; ls`
    const words = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, process.execPath, main, disk]
    const ended = await run('unshare', words)
    expect(ended.stdout.trim().split('\n')).toEqual(['code=3', 'old', 'report.json'])
    expect(ended.stderr).toMatch(/report\.json was not written \(ENOSPC\)/u)
  })
})

test('Ctrl-C ends everything at once', async () => {
  const environment = withProgram('podman', 'trap "" TERM INT; sleep 100 & wait; sleep 100')
  const started = performance.now()
  const ran = await rootless(['compare', '--timeout', '60'], environment, (pid) => {
    setTimeout(() => process.kill(pid, 'SIGINT'), 600)
  })
  expect(ran.exitCode).toBe(130)
  expect(performance.now() - started).toBeLessThan(4000)
  expect(listProcesses().filter(({ words }) => words.some((word) => word.startsWith(folder)))).toEqual([])
})

test('nothing of ours is left in the temporary folder', async () => {
  const before = new Set(readdirSync(tmpdir()))
  await compare({})
  const own = (name: string): boolean => !before.has(name) && /^(?:tmp\.|rootless)/u.test(name)
  expect(readdirSync(tmpdir()).filter(own)).toEqual([])
})

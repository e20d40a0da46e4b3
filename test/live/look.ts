import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { execa } from 'execa'

// Looks at this machine past our own code: /proc, and the engines' own commands.

export interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const COMMAND_TIMEOUT_MS = 60_000

/** Runs a command to its end, whatever that is. */
export async function run(
  file: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const ended = await execa(file, [...words], {
    env: environment,
    reject: false,
    timeout: COMMAND_TIMEOUT_MS,
    stripFinalNewline: false,
  })
  if (ended.exitCode === undefined) throw new Error(`${ended.escapedCommand}: ${ended.shortMessage}`)
  return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr }
}

/** Runs a command that must succeed, and returns what it printed. */
export async function must(
  file: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const ended = await run(file, words, environment)
  if (ended.exitCode !== 0) throw new Error(`${file} ${words.join(' ')} ended with ${ended.exitCode}: ${ended.stderr}`)
  return ended.stdout.trim()
}

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly uid: number
  readonly name: string
  readonly words: readonly string[]
}

export function listProcesses(): readonly Process[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/u.test(entry)) return []
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8')
      const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'mu').exec(status)?.[1] ?? ''
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
        .split('\0')
        .filter((word) => word !== '')
      return [{ pid: Number(entry), parent: Number(field('PPid')), uid: Number(field('Uid')), name: field('Name'), words }]
    } catch {
      return []
    }
  })
}

/** The processes above one, the nearest first. */
export function listAncestors(pid: number): readonly Process[] {
  const all = new Map(listProcesses().map((process) => [process.pid, process]))
  const found: Process[] = []
  for (let next = all.get(pid); next !== undefined && found.length < 64; next = all.get(next.parent)) found.push(next)
  return found.slice(1)
}

/** The file system type of `/` as a process sees it. */
export function rootFileSystem(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n')
  const line = lines.findLast((each) => each.split(' ')[4] === '/')
  return line?.split(' - ')[1]?.split(' ')[0] ?? 'none'
}

export function uidMap(pid: number): readonly (readonly number[])[] {
  return readFileSync(`/proc/${pid}/uid_map`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/u).map(Number))
}

/** The bytes of memory that the kernel allows the cgroup of a process; `null` when there is no limit. */
export function memoryLimitBytes(pid: number): number | null {
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, controllers, path] = line.split(':')
    if (path === undefined) continue
    const file = controllers === '' ? `/sys/fs/cgroup${path}/memory.max` : `/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`
    if (controllers !== '' && controllers !== 'memory') continue
    try {
      const bytes = Number(readFileSync(file, 'utf8').trim())
      // Without a limit v1 reads as the largest page-aligned number, and v2 as "max".
      if (Number.isFinite(bytes) && bytes < 2 ** 60) return bytes
    } catch {
      // No such controller in this tree.
    }
  }
  return null
}

/** The address of this host that its default route uses. */
export function hostAddress(): string {
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1)
  const device = routes.map((line) => line.split('\t')).find((fields) => fields[1] === '00000000')?.[0]
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, each]) =>
    (each ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => ({ name, address })),
  )
  const found = addresses.find(({ name }) => name === device) ?? addresses[0]
  if (found === undefined) throw new Error('this host has no address but its loopback')
  return found.address
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Connects, trying again while nobody listens yet; `null` when it never works. */
export async function tryConnect(host: string, port: number, patienceMs = 5000): Promise<Socket | null> {
  const deadline = performance.now() + patienceMs
  do {
    const socket = await new Promise<Socket | null>((resolve) => {
      const attempt = connect({ host, port, timeout: 2000 })
      const give = (result: Socket | null) => (): void => {
        if (result === null) attempt.destroy()
        attempt.removeAllListeners()
        attempt.on('error', () => {})
        resolve(result)
      }
      attempt.once('connect', give(attempt)).once('error', give(null)).once('timeout', give(null))
    })
    if (socket !== null) return socket
    await new Promise((resolve) => setTimeout(resolve, 50))
  } while (performance.now() < deadline)
  return null
}

/** Who is connected to a port inside the network namespace of a process, as IPv4 addresses. */
export function listPeers(pid: number, port: number): readonly string[] {
  return ['tcp', 'tcp6'].flatMap((file) => {
    const lines = readFileSync(`/proc/${pid}/net/${file}`, 'utf8').trim().split('\n').slice(1)
    return lines.flatMap((line) => {
      const [, local, remote, state] = line.trim().split(/\s+/u)
      const localPort = Number.parseInt(local?.split(':')[1] ?? '', 16)
      // 01 is ESTABLISHED.
      if (state !== '01' || localPort !== port || remote === undefined) return []
      // The address is in host order; of a mapped IPv6 address the last word is the IPv4 one.
      const hex = remote.split(':')[0]?.slice(-8) ?? ''
      return [[6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')]
    })
  })
}

/** Looks again and again until there is something to see. */
export async function eventually<Value>(look: () => Value | undefined, patienceMs = 5000): Promise<Value | undefined> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const seen = look()
    if (seen !== undefined || performance.now() > deadline) return seen
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import type { Machine } from '@rootless-runtime/core'
import { eventually } from './collect.ts'

// What happens at a host's ports, seen from this host.

const TIMEOUT_MS = 2000

/** What a web server at this address says; `null` when nobody answers. */
export async function askWeb(machine: Machine, address: string, port: number): Promise<string | null> {
  const answer = await machine.connectTcp(address, port, { timeoutMs: TIMEOUT_MS })
  if (answer.status !== 'ok') return null
  const stream = answer.value
  const timer = setTimeout(() => stream.destroy(), TIMEOUT_MS)
  try {
    stream.write('GET /index.html HTTP/1.0\r\n\r\n')
    const said = await text(stream)
    return said === '' ? null : said
  } catch {
    // A published port may accept and hang up while nobody listens inside.
    return null
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}

/** Whether busybox's page is served there, as soon as it is. */
export function isServed(machine: Machine, address: string, port: number): Promise<boolean> {
  return eventually(async () => (await askWeb(machine, address, port))?.includes('served by busybox') === true)
}

/** Sends a datagram there and gives what comes back; `null` when nothing does. */
export async function askUdp(machine: Machine, address: string, port: number): Promise<string | null> {
  const program = `
    const [, address, port] = process.argv
    const socket = require('node:dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', () => process.exit(1))
    socket.on('message', (message) => { console.log(String(message)); process.exit(0) })
    const send = () => socket.send('over udp', Number(port), address)
    send(); setInterval(send, 200); setTimeout(() => process.exit(1), 5000)`
  const ended = await machine.run({
    file: process.execPath,
    arguments: ['-e', program, address, String(port)],
    timeoutMs: 20_000,
  })
  return ended.status === 'exited' && ended.exitCode === 0 ? ended.stdout.trim() : null
}

/** A server of this host on every address, which says something to whoever connects; ended by `end`. */
export async function serveGreeting(machine: Machine, greeting: string) {
  const program = `
    const server = require('node:net').createServer((socket) => socket.on('error', () => {}).end(process.argv[1] + '\\n'))
    server.listen(0, '0.0.0.0', () => console.log(server.address().port))`
  const answer = await machine.spawn({ file: process.execPath, arguments: ['-e', program, greeting], lifetime: 'caller' })
  if (answer.status !== 'ok') throw new Error(answer.reason)
  const [line] = await answer.value.stdout.take(1).toArray()
  return { port: Number(String(line).trim()), end: () => answer.value.kill('SIGKILL') }
}

/** An IPv4 address of this host that is not its loopback; `null` when it has none. */
export function findOtherAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null
}
